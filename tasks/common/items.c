/* SPDX-License-Identifier: Apache-2.0
 *
 * See items.h.
 */
#include "items.h"

#include "common.h"

struct common_subset common_subset_of(const struct oqz_host *h, const struct oqz_params *dataset)
{
	return (struct common_subset) { .skip = h->param_int(dataset, "skip"),
		                        .stride = h->param_int(dataset, "stride"),
		                        .take = h->param_int(dataset, "take_first") };
}

bool common_subset_takes(struct common_subset *s)
{
	int64_t at = s->seen++ - s->skip;

	if (at < 0 || at % s->stride != 0 || (s->take && s->taken >= s->take))
		return false;
	s->taken++;
	return true;
}

struct common_items common_items_of(const struct oqz_task_host *host, const struct oqz_params *dataset,
                                    const char *root_param, void *sink, struct oqz_failure *f)
{
	return (struct common_items) { .host = host,
		                       .sink = sink,
		                       .f = f,
		                       .root = host->base->param_string(dataset, root_param),
		                       .part = common_subset_of(host->base, dataset) };
}

enum oqz_status common_items_put(const struct common_items *to, const char *relative, struct oqz_item *item)
{
	char *path = common_join(to->host->base, to->root, relative, to->f);

	if (!path)
		return OQZ_E_NOMEM;
	item->image = path;
	enum oqz_status st = to->host->add_item(to->sink, item, to->f);
	to->host->base->free_mem(path);
	return st;
}

enum oqz_status common_items_add(struct common_items *to, const char *relative, struct oqz_item *item)
{
	return common_subset_takes(&to->part) ? common_items_put(to, relative, item) : OQZ_OK;
}

struct walk {
	struct common_items *to;
	uint64_t tag;
};

static enum oqz_status add_walked(void *ctx, const char *relative_path)
{
	struct walk *w = ctx;
	struct oqz_item item = { .id = relative_path, .tag = w->tag };

	return common_items_add(w->to, relative_path, &item);
}

enum oqz_status common_items_walk(struct common_items *to, const char *const *suffixes, uint64_t tag)
{
	struct walk w = { to, tag };

	return to->host->base->walk(to->root, suffixes, add_walked, &w, to->f);
}
