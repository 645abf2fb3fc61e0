/* SPDX-License-Identifier: Apache-2.0
 *
 * Options that verbs with a manifest share: --set; where it is run --select, --limit and --engine as well. Those that
 * run models have OQZ_MEMORY_OPTION besides.
 */
#ifndef OQZ_CLI_MANIFEST_ARGS_H
#define OQZ_CLI_MANIFEST_ARGS_H

#include "cli/cli.h"
#include "core/manifest/manifest.h"

#define OQZ_SET_OPTION                                                      \
	{                                                                   \
		"set", 0, "A.B=V", "override a manifest value (repeatable)" \
	}
#define OQZ_MANIFEST_OPTIONS                                                                       \
	OQZ_SET_OPTION, { "select", 0, "WHAT", "only model=GLOB,scheme=GLOB,tag=T (repeatable)" }, \
	    { "limit", 0, "N", "at most N test images per model (marks the result as limited)" },  \
	{                                                                                          \
		"engine", 0, "E", "auto, sim or reference"                                         \
	}

/* Loads the manifest that the first operand names, with these options; prints warnings. */
enum oqz_status cli_load_manifest(const struct oqz_args *args, struct oqz_manifest **ret, struct oqz_err *err);

#endif
