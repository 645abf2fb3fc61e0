/* SPDX-License-Identifier: Apache-2.0
 *
 * RLIMIT_DATA counts private writable memory. RLIMIT_AS would count what is merely reserved too: each thread's heap
 * reserves 64 MiB of addresses, so that on many cores a sound limit would be used up by nothing.
 */
#include "core/run/memory_limit.h"
#include "core/base/budget.h"

#include <errno.h>
#include <sys/resource.h>

/* What the process needs besides: libraries' data, the code that oneDNN generates for each primitive of each lane (it
 * does not take a failed allocation of that well), the messages, a stack and a small heap per thread. */
enum { FIXED_MIB = 256, THREAD_MIB = 16 };

/* The sanitizers' shadow is writable memory of many terabytes. */
#if defined(__has_feature)
#define OQZ_CLANG_SANITIZER __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#else
#define OQZ_CLANG_SANITIZER 0
#endif
#if defined(__SANITIZE_ADDRESS__) || OQZ_CLANG_SANITIZER
static const bool system_limit = false;
#else
static const bool system_limit = true;
#endif

enum oqz_status oqz_memory_limit(int64_t bytes, int threads, struct oqz_err *err)
{
	struct rlimit r;

	oqz_budget_set((size_t)bytes);
	if (bytes == 0 || !system_limit)
		return OQZ_OK;
	if (getrlimit(RLIMIT_DATA, &r) != 0)
		return oqz_err_errno(err, errno, "memory limit");
	rlim_t want = (rlim_t)bytes + ((rlim_t)FIXED_MIB + (rlim_t)THREAD_MIB * (rlim_t)threads) * (1 << 20);
	if (r.rlim_max != RLIM_INFINITY && want > r.rlim_max)
		want = r.rlim_max; /* whoever started us has set a lower one */
	r.rlim_cur = want;
	if (setrlimit(RLIMIT_DATA, &r) != 0)
		return oqz_err_errno(err, errno, "memory limit");
	return OQZ_OK;
}
