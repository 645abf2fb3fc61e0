/* SPDX-License-Identifier: Apache-2.0
 *
 * What results depend on besides the program itself: the CPU's arithmetic and the compute library. Goes into result
 * rows.
 */
#include "core/exec/impl.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Written once, read-only afterwards. */
static char description[160];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void describe(void)
{
	char lib[100];

#if defined(__x86_64__)
	const char *arch = "x86-64";
#elif defined(__aarch64__)
	const char *arch = "aarch64";
#else
	const char *arch = "other";
#endif
	snprintf(description, sizeof description, "%s%s %s", arch, oqz_dnnl_native_bf16() ? " bf16" : "",
	         oqz_dnnl_describe(lib, sizeof lib));
}

const char *oqz_exec_describe(void)
{
	pthread_once(&once, describe);
	return description;
}

bool oqz_exec_has_exact_int8(void) { return oqz_dnnl_exact_int8(); }

double oqz_exec_peak(enum oqz_dtype t) { return oqz_dnnl_peak(t); }

enum oqz_dtype oqz_step_arithmetic(const struct oqz_step_info *s)
{
	if (strncmp(s->impl, "dnnl.q", 6) != 0 && !strstr(s->impl, ":amx_"))
		return OQZ_DT_F32;
	return strstr(s->impl, "bf16") ? OQZ_DT_BF16 : OQZ_DT_I8;
}
