/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz show: the manifest with includes, variables, overrides and `extends` resolved.
 */
#include "cli/manifest_args.h"
#include "core/base/str.h"

static const struct oqz_option options[] = { OQZ_SET_OPTION, { 0 } };

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	struct oqz_err err = { 0 };
	struct oqz_str s = { 0 };

	if (cli_load_manifest(args, &m, &err) != OQZ_OK)
		return cli_fail(&err);
	oqz_yaml_dump(m->root, &s);
	fputs(oqz_str_get(&s), stdout);
	oqz_str_release(&s);
	return OQZ_EXIT_OK;
}

const struct oqz_verb cmd_show = {
	"show", "zoo.yaml", "print the manifest with everything expanded", options, 1, 1, run
};
