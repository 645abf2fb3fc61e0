/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading the manifest of a verb.
 */
#include "cli/manifest_args.h"

#include <string.h>

enum oqz_status cli_load_manifest(const struct oqz_args *args, struct oqz_manifest **ret, struct oqz_err *err)
{
	struct oqz_manifest_options opt = { .engine = cli_option(args, "engine") };
	OQZ_CLEANUP_FREE const char **sets = NULL;
	OQZ_CLEANUP_FREE const char **selects = NULL;
	enum oqz_engine engine; /* the manifest takes the word */
	long long limit = 0;

	OQZ_TRY(cli_integer(args, "limit", 1, INT64_MAX, &limit, err));
	OQZ_TRY(cli_engine(args, &engine, err));
	OQZ_TRY(cli_memory_limit(args, &opt.memory, err));
	opt.limit = limit;
	opt.n_sets = cli_options(args, "set", &sets);
	opt.sets = sets;
	opt.n_selects = cli_options(args, "select", &selects);
	opt.selects = selects;
	OQZ_TRY(oqz_manifest_load(args->operands.v[0], &opt, ret, err));
	for (size_t i = 0; i < (*ret)->warnings.n; i++)
		fprintf(stderr, "oqz: warning: %s\n", (*ret)->warnings.v[i]);
	return OQZ_OK;
}
