/* SPDX-License-Identifier: Apache-2.0
 *
 * The budget is a limit and an atomic sum: workers take and give at once.
 */
#include "core/base/budget.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic size_t limit, used;

static size_t machine_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 && (size_t)pages < SIZE_MAX / (size_t)size ? (size_t)pages * (size_t)size
	                                                                        : SIZE_MAX / 2;
}

void oqz_budget_set(size_t bytes) { atomic_store(&limit, bytes ? bytes : machine_memory()); }

size_t oqz_budget_limit(void)
{
	if (atomic_load_explicit(&limit, memory_order_relaxed) == 0)
		oqz_budget_set(0); /* twice from two threads is the same number */
	return atomic_load_explicit(&limit, memory_order_relaxed);
}

size_t oqz_budget_used(void) { return atomic_load_explicit(&used, memory_order_relaxed); }

static enum oqz_status refuse(size_t bytes, size_t taken, const char *what, struct oqz_err *err)
{
	char need[OQZ_BYTES_STR], have[OQZ_BYTES_STR], of[OQZ_BYTES_STR];

	OQZ_FAIL(err, OQZ_E_LIMIT, "%s needs %s, the memory limit is %s (%s in use)", what,
	         oqz_bytes_str(bytes, need, sizeof need), oqz_bytes_str(oqz_budget_limit(), of, sizeof of),
	         oqz_bytes_str(taken, have, sizeof have));
}

enum oqz_status oqz_budget_take(size_t bytes, const char *what, struct oqz_err *err)
{
	size_t most = oqz_budget_limit(), now = atomic_load_explicit(&used, memory_order_relaxed);

	do {
		if (now > most || bytes > most - now)
			return refuse(bytes, now, what, err);
	} while (!atomic_compare_exchange_weak_explicit(&used, &now, now + bytes, memory_order_relaxed,
	                                                memory_order_relaxed));
	return OQZ_OK;
}

void oqz_budget_give(size_t bytes) { atomic_fetch_sub_explicit(&used, bytes, memory_order_relaxed); }

enum oqz_status oqz_budget_check(size_t bytes, const char *what, struct oqz_err *err)
{
	size_t most = oqz_budget_limit(), now = oqz_budget_used();

	return now > most || bytes > most - now ? refuse(bytes, now, what, err) : OQZ_OK;
}

const char *oqz_bytes_str(size_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes / 1024;
	size_t u = 0;

	while (v >= 1024 && u + 1 < OQZ_COUNTOF(units)) {
		v /= 1024;
		u++;
	}
	if (bytes < 1024)
		snprintf(buf, size, "%zu bytes", bytes);
	else
		snprintf(buf, size, "%.1f %s", v, units[u]);
	return buf;
}
