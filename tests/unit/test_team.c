/* SPDX-License-Identifier: Apache-2.0
 *
 * core/run/team.c: every piece is done once, calls follow each other in order, whatever the number of members.
 */
#include "core/run/team.h"
#include "core/base/compiler.h"
#include "tests/support/support.h"

enum { PIECES = 37, CALLS = 500 };

struct work {
	int done[PIECES];
	int call;
};

static void piece(void *ctx, size_t i)
{
	struct work *w = ctx;

	w->done[i]++;
}

START_TEST(every_piece_is_done_once)
{
	for (int members = 1; members <= 8; members += members == 4 ? 4 : 1) {
		struct oqz_team *t = oqz_team_new(members);
		struct work w = { 0 };
		ck_assert_ptr_nonnull(t);
		for (w.call = 0; w.call < CALLS; w.call++) {
			size_t n = (size_t)w.call % (PIECES + 1);
			oqz_team_run(t, n, piece, &w);
			for (size_t i = 0; i < PIECES; i++) {
				ck_assert_int_eq(w.done[i], i < n);
				w.done[i] = 0;
			}
		}
		oqz_team_free(t);
	}
}
END_TEST

START_TEST(nobody_is_a_team_of_one)
{
	struct work w = { 0 };

	oqz_team_run(NULL, PIECES, piece, &w);
	for (int i = 0; i < PIECES; i++)
		ck_assert_int_eq(w.done[i], 1);
	oqz_team_free(NULL);
}
END_TEST

OQZ_TEST_MAIN("team", every_piece_is_done_once, nobody_is_a_team_of_one)
