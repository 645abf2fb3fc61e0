/* SPDX-License-Identifier: Apache-2.0
 *
 * The program's own place is /proc/self/exe, which no caller can choose as argv[0] can be chosen; where there is no
 * /proc, the folders as configured serve. A program with raised privileges takes nothing from where it happens to lie.
 */
#include "core/base/installed.h"
#include "core/base/arena.h"
#include "core/base/file.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* Length of the common leading folders of two paths, without the slash behind them. */
static size_t common_folders(const char *a, const char *b)
{
	size_t last = 0;

	for (size_t i = 0;; i++) {
		bool a_ends = !a[i] || a[i] == '/', b_ends = !b[i] || b[i] == '/';
		if (a_ends && b_ends)
			last = i;
		if (!a[i] || !b[i] || a[i] != b[i])
			return last;
	}
}

char *oqz_installed_beside(struct oqz_arena *a, const char *here, const char *bindir, const char *dir)
{
	size_t common = common_folders(bindir, dir), n = strlen(here);
	const char *tail = bindir + common; /* "/bin" */
	size_t n_tail = strlen(tail);

	if (n < n_tail || strcmp(here + n - n_tail, tail) != 0)
		return NULL;
	return oqz_arena_printf(a, "%.*s%s", (int)(n - n_tail), here, dir + common);
}

const char *oqz_installed(struct oqz_arena *a, const char *bindir, const char *dir)
{
	char exe[PATH_MAX];
	struct stat st;
	ssize_t n = getauxval(AT_SECURE) ? -1 : readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n <= 0 || (size_t)n >= sizeof exe - 1)
		return dir;
	exe[n] = 0;
	const char *here = oqz_path_dir(a, exe);
	if (!here)
		return NULL;
	if (strcmp(here, bindir) == 0)
		return dir;
	const char *moved = oqz_installed_beside(a, here, bindir, dir);
	return moved && stat(moved, &st) == 0 && S_ISDIR(st.st_mode) ? moved : dir;
}
