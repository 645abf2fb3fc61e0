/* SPDX-License-Identifier: Apache-2.0
 *
 * Where installed files lie. `make install DESTDIR=tree` gives a tree that can be moved: what the program needs is
 * found from where the program itself stands.
 */
#ifndef OQZ_BASE_INSTALLED_H
#define OQZ_BASE_INSTALLED_H

struct oqz_arena;

/* `dir` (as configured, absolute) for this program: unchanged when it runs from `bindir` as configured, or is not
 * installed at all; otherwise, when the tree around the program has a folder in the same place relative to it, that
 * folder. NULL when out of memory. */
const char *oqz_installed(struct oqz_arena *a, const char *bindir, const char *dir);
/* The same by names alone: `dir` as seen by a program that lies in `here` instead of `bindir`; NULL when it does not
 * lie there in the way of `bindir`. ("/opt/x/bin", "/usr/bin", "/usr/lib/oqz") gives "/opt/x/lib/oqz". */
char *oqz_installed_beside(struct oqz_arena *a, const char *here, const char *bindir, const char *dir);

#endif
