/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding plugins: each mock plugin is accepted or refused for its own reason, and none of them harms this process.
 * Folders are made of links to the mocks that a test needs.
 */
#include "tests/support/support.h"
#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/base/str.h"
#include "plugins/describe.h"
#include "plugins/loader.h"
#include "plugins/registry.h"

#include <limits.h>
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *mock_path(const char *name)
{
	static char ring[8][700];
	static unsigned turn;
	char *path = ring[turn++ % OQZ_COUNTOF(ring)];
	const char *build = getenv("top_builddir");

	snprintf(path, sizeof ring[0], "%s/tests/mock/.libs/mock-%s.so", build ? build : ".", name);
	ck_assert_msg(access(path, R_OK) == 0, "%s is not built", path);
	return path;
}

/* A new folder; `links` is "file=mock file=mock ...". */
static const char *folder(const char *name, const char *links)
{
	static char ring[4][600];
	static unsigned turn;
	char *dir = ring[turn++ % OQZ_COUNTOF(ring)], target[PATH_MAX], path[900], file[100], mock[100];
	int used;

	snprintf(dir, sizeof ring[0], "%s", test_tmpdir(name));
	for (; sscanf(links, " %99[^=]=%99s%n", file, mock, &used) == 2; links += used) {
		snprintf(path, sizeof path, "%s/%s", dir, file);
		unlink(path);
		ck_assert(realpath(mock_path(mock), target) != NULL);
		ck_assert_int_eq(symlink(target, path), 0);
	}
	return dir;
}

static struct oqz_registry *scan(const char *path, const char *plugindir)
{
	const struct oqz_registry_options o = { path, plugindir, 60000 };
	struct oqz_registry *r = NULL;

	ck_ok(oqz_registry_new(&o, &r, err));
	return r;
}

/* The reason why a mock is refused, "" if it is not. Static. */
static const char *reason(const char *mock, unsigned ms)
{
	static char text[1000];
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	struct oqz_plugin_info info = { 0 };

	ck_ok(oqz_plugin_probe(mock_path(mock), ms, arena, &info, err));
	snprintf(text, sizeof text, "%s", info.refused ? info.refused : "");
	ck_assert(info.refused || info.name);
	return text;
}

#define ck_refused(mock, why)                                                             \
	do {                                                                              \
		const char *r_ = reason(mock, 60000);                                     \
		ck_assert_msg(strstr(r_, why), "%s: \"%s\" lacks \"%s\"", mock, r_, why); \
	} while (0)

START_TEST(each_wrong_plugin_is_refused_for_its_reason)
{
	ck_refused("magic", "its magic number is 6f717a706c756732, not 6f717a706c756731");
	ck_refused("abi", "its abi is 'oqz1/be/i32/num0', not '" OQZ_ABI "'");
	ck_refused("major", "it is made for api 2.0, this program has 1.");
	ck_refused("kind", "its kind 77 is unknown");
	ck_refused("tiny", "its descriptor claims a size of");
	ck_refused("missing", "the required callback 'plan' is missing");
	ck_refused("cut", "the required callback 'sites' is missing");
	ck_refused("name", "its name 'Mock Name' is not [a-z0-9-]+");
	ck_refused("wordless", "it has no licence");
	ck_refused("params", "parameter 'bits': default: 99 is outside of the range 2 to 16");
	ck_refused("metrics", "metric 'answer' is declared twice");
	ck_refused("null", "its entry gives no descriptor");
	ck_refused("symbolless", "it does not export oqz_plugin_entry");
	ck_refused("crash-entry", "crashed while being loaded: signal 11");
	ck_refused("crash-load", "crashed while being loaded: signal 6");
	ck_refused("exit-entry", "ended the process while being loaded (exit status 0)");
}
END_TEST

/* Every callback that a plugin must have, one at a time; what draws lists belongs together. */
START_TEST(each_required_callback_is_missed)
{
	static const char *const of_quantizers[] = { "open", "close", "sites", "plan" }, *const of_tasks[] = {
		"open", "close", "items", "score", "finish", "resample", "resample_close"
	};
	char why[100];

	ck_assert_str_eq(reason("undrawn", 60000), "");
	for (size_t i = 0; i < OQZ_COUNTOF(of_quantizers) + OQZ_COUNTOF(of_tasks); i++) {
		bool task = i >= OQZ_COUNTOF(of_quantizers);
		const char *without = task ? of_tasks[i - OQZ_COUNTOF(of_quantizers)] : of_quantizers[i];
		setenv("OQZ_MOCK_WITHOUT", without, 1);
		snprintf(why, sizeof why, "the required callback '%s' is missing", without);
		ck_refused(task ? "undrawn" : "missing", why);
	}
	setenv("OQZ_MOCK_WITHOUT", "resample_open", 1);
	ck_assert_str_eq(reason("undrawn", 60000), "");
	unsetenv("OQZ_MOCK_WITHOUT");
}
END_TEST

/* What a table of metrics may not say; the last row of each is at fault. */
START_TEST(wrong_metrics_are_named)
{
	static const struct oqz_metric fine = { "answer", OQZ_UNIT_SCALAR, OQZ_TEST_BOOTSTRAP, true, 0, 0, "a number" };
	static const struct {
		struct oqz_metric row;
		const char *why;
	} wrong[] = {
		{ { "Answer", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "x" },
		  "metric 'Answer': a name is [a-z0-9_]+" },
		{ { "", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "x" }, "metric '': a name is [a-z0-9_]+" },
		{ { "answer", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "x" }, "metric 'answer' is declared twice" },
		{ { "m", OQZ_UNIT_SCALAR + 1, OQZ_TEST_NONE, true, 0, 1, "x" }, "metric 'm': unit 5 does not exist" },
		{ { "m", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP + 1, true, 0, 1, "x" },
		  "metric 'm': test 3 does not exist" },
		{ { "m", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 2, 1, "x" }, "metric 'm': its range 2 to 1 is empty" },
		{ { "m", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, NAN, 1, "x" },
		  "metric 'm': its range nan to 1 is empty" },
		{ { "m", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "" }, "metric 'm' needs a line of help" },
		{ { "m", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, NULL }, "metric 'm' needs a line of help" },
	};
	static struct oqz_metric endless[5000];
	const struct oqz_metric none = { 0 };

	ck_fails(oqz_metrics_check(NULL, err), OQZ_E_PLUGIN, "it declares no metrics");
	ck_fails(oqz_metrics_check(&none, err), OQZ_E_PLUGIN, "it declares no metrics");
	ck_ok(oqz_metrics_check((const struct oqz_metric[]) { fine, { 0 } }, err));
	for (size_t i = 0; i < OQZ_COUNTOF(wrong); i++)
		ck_fails(oqz_metrics_check((const struct oqz_metric[]) { fine, wrong[i].row, { 0 } }, err),
		         OQZ_E_PLUGIN, wrong[i].why);
	for (size_t i = 0; i < OQZ_COUNTOF(endless); i++) {
		char *name = malloc(8);
		snprintf(name, 8, "m%zu", i);
		endless[i] = fine;
		endless[i].name = name;
	}
	ck_fails(oqz_metrics_check(endless, err), OQZ_E_PLUGIN, "the metric table has no end within");
	for (size_t i = 0; i < OQZ_COUNTOF(endless); i++)
		free((char *)endless[i].name);
}
END_TEST

START_TEST(hanging_plugin_is_given_up)
{
	ck_assert_str_eq(reason("hang-entry", 300), "did not finish loading within 300 ms");
}
END_TEST

START_TEST(good_plugins_are_accepted)
{
	ck_assert_str_eq(reason("good", 60000), "");
	ck_assert_str_eq(reason("newer", 60000), "");
	ck_assert_str_eq(reason("older", 60000), "");
	ck_assert_str_eq(reason("crash-open", 60000), "");
	ck_assert_str_eq(reason("task", 60000), "");
}
END_TEST

START_TEST(what_a_plugin_prints_is_not_seen)
{
	FILE *out = tmpfile();
	int saved = dup(STDOUT_FILENO);
	long size;

	fflush(stdout);
	dup2(fileno(out), STDOUT_FILENO);
	printf("buffered"); /* must not come out twice when the child exits */
	const char *talk = reason("talkative", 60000);
	ck_assert_str_eq(talk, "");
	reason("exit-entry", 60000);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	size = lseek(fileno(out), 0, SEEK_END);
	ck_assert_int_eq(size, (long)strlen("buffered"));
	fclose(out);
	close(saved);
}
END_TEST

/* A plugin that calls exit() flushes the streams that the child inherited. */
START_TEST(what_we_had_buffered_is_written_once)
{
	FILE *f = tmpfile();

	fputs("ours", f);
	reason("exit-entry", 60000);
	fflush(f);
	ck_assert_int_eq(lseek(fileno(f), 0, SEEK_END), 4);
	fclose(f);
}
END_TEST

/* The child starts with the signals' defaults, whatever this process does with them. */
START_TEST(our_signal_handling_does_not_hide_a_crash)
{
	signal(SIGSEGV, SIG_IGN);
	ck_refused("crash-entry", "crashed while being loaded: signal 11");
	signal(SIGSEGV, SIG_DFL);
}
END_TEST

START_TEST(other_files_are_refused)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	const char *dir = folder("registry-files", "");
	struct oqz_plugin_info info = { 0 };
	char path[900];

	snprintf(path, sizeof path, "%s/text.so", dir);
	ck_ok(oqz_file_write(path, "not an ELF file", 15, err));
	ck_ok(oqz_plugin_probe(path, 0, arena, &info, err));
	ck_assert_msg(info.refused && strstr(info.refused, "cannot be loaded: "), "%s", info.refused);
	ck_assert_str_eq(info.path, path);
	ck_ok(oqz_plugin_probe("/nonexistent/x.so", 0, arena, &info, err));
	ck_assert_msg(info.refused && strstr(info.refused, "no such plugin file"), "%s", info.refused);
}
END_TEST

START_TEST(listing_loads_nothing_here)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup)
	struct oqz_registry *r = scan(folder("registry-clean", "a.so=good b.so=crash-entry"), "");

	ck_assert_uint_eq(oqz_registry_count(r), 2);
	ck_assert_ptr_null(dlopen(mock_path("good"), RTLD_NOW | RTLD_NOLOAD));
	ck_assert_ptr_null(dlsym(RTLD_DEFAULT, "oqz_plugin_entry"));
}
END_TEST

START_TEST(first_of_a_name_wins_and_folders_come_in_order)
{
	char path[1500];
	const struct oqz_plugin_info *info;
	const char *first = folder("registry-first", "z.so=good B.so=crash-open a.so=newer notes.txt=good");
	const char *second = folder("registry-second", "a.so=twin"),
	           *last = folder("registry-last", "a.so=good x.so=task");

	snprintf(path, sizeof path, ":%s::/nonexistent/dir:%s:%s:", first, second, first);
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = scan(path, last);
	static const char *const want[] = { "mock-crash-open", "mock-newer", "mock-good", NULL,
		                            "mock-good",       "mock-good",  "mock-task" };
	ck_assert_uint_eq(oqz_registry_count(r), OQZ_COUNTOF(want));
	for (size_t i = 0; i < OQZ_COUNTOF(want); i++) {
		info = oqz_registry_at(r, i);
		ck_assert_msg(!want[i] == !info->name && (!want[i] || strcmp(want[i], info->name) == 0), "%zu: %s", i,
		              info->name);
	}
	ck_assert(strstr(oqz_registry_at(r, 3)->refused, "/nonexistent/dir"));
	ck_assert_ptr_null(oqz_registry_at(r, 2)->shadowed_by);
	ck_assert_str_eq(oqz_registry_at(r, 4)->shadowed_by, oqz_registry_at(r, 2)->path);
	ck_assert_str_eq(oqz_registry_at(r, 5)->shadowed_by, oqz_registry_at(r, 2)->path);
	ck_ok(oqz_registry_find(r, OQZ_KIND_QUANTIZER, "mock-good", &info, err));
	ck_assert_ptr_eq(info, oqz_registry_at(r, 2));
	ck_ok(oqz_registry_find(r, 0, "mock-task", &info, err));
	ck_fails(oqz_registry_find(r, OQZ_KIND_QUANTIZER, "mock-task", &info, err), OQZ_E_PLUGIN,
	         "is a task, not a quantizer");
	ck_fails(oqz_registry_find(r, OQZ_KIND_QUANTIZER, "mock-god", &info, err), OQZ_E_PLUGIN,
	         "did you mean 'mock-good'");
	ck_fails(oqz_registry_find(r, OQZ_KIND_TASK, "xyz", &info, err), OQZ_E_PLUGIN, "found: mock-task");
}
END_TEST

START_TEST(path_comes_from_the_environment)
{
	setenv("OQZ_PLUGIN_PATH", folder("registry-env", "mock-good.so=good mock-null.so=null"), 1);
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = scan(NULL, "/nonexistent/plugindir");
	const struct oqz_plugin_info *info;

	ck_assert_uint_eq(oqz_registry_count(r), 2);
	ck_fails(oqz_registry_find(r, 0, "mock-null", &info, err), OQZ_E_PLUGIN,
	         "was refused: its entry gives no descriptor");
}
END_TEST

START_TEST(description_survives_the_pipe)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = NULL;
	struct oqz_plugin_info info = { 0 };
	struct oqz_str here = { 0 }, sent = { 0 };

	ck_ok(oqz_plugin_probe(mock_path("good"), 60000, arena, &info, err));
	ck_ok(oqz_module_open(mock_path("good"), &m, err));
	oqz_describe_params_markdown(m->desc.base.params, &here);
	oqz_describe_params_markdown(info.params, &sent);
	ck_assert_str_eq(oqz_str_get(&here), oqz_str_get(&sent));
	ck_assert(strstr(oqz_str_get(&sent), "- `word` (string, default two, one|two): a word\n"));
	ck_assert(strstr(oqz_str_get(&sent), "- `bits` (int, default 8, 2 to 16 bits): a number\n"));
	oqz_str_clear(&sent);
	oqz_describe_text(&info, &sent);
	ck_assert_msg(strstr(oqz_str_get(&sent), "mock-good 1: a mock\n  quantizer plugin, licence Apache-2.0"), "%s",
	              sent.s);
	oqz_str_release(&here);
	oqz_str_release(&sent);
}
END_TEST

START_TEST(damaged_descriptions_are_refused)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = NULL;
	struct oqz_plugin_info info = { .path = "x" };
	struct oqz_str bytes = { 0 };

	ck_ok(oqz_module_open(mock_path("task"), &m, err));
	oqz_plugin_info_write(m, &bytes);
	ck_ok(oqz_plugin_info_read(bytes.s, bytes.len, arena, &info, err));
	for (size_t n = 0; n < bytes.len; n++) {
		char *copy = malloc(n ? n : 1); /* exact size: an overrun is seen by a memory checker */
		memcpy(copy, bytes.s, n);
		struct oqz_err err = { 0 };
		ck_assert_int_eq(oqz_plugin_info_read(copy, n, arena, &info, &err), OQZ_E_PLUGIN);
		free(copy);
	}
	oqz_str_add(&bytes, "x");
	ck_fails(oqz_plugin_info_read(bytes.s, bytes.len, arena, &info, err), OQZ_E_PLUGIN, "incomplete");
	oqz_str_release(&bytes);
}
END_TEST

START_TEST(loading_opens_the_one_that_was_found)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup)
	struct oqz_registry *r = scan(folder("registry-load", "a.so=good b.so=null"), "");
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = NULL;
	struct oqz_module *none = NULL;

	ck_ok(oqz_registry_load(r, OQZ_KIND_QUANTIZER, "mock-good", &m, err));
	ck_assert_str_eq(m->desc.base.name, "mock-good");
	ck_assert_ptr_eq(dlsym(RTLD_DEFAULT, "oqz_plugin_entry"), NULL);
	ck_fails(oqz_registry_load(r, OQZ_KIND_TASK, "mock-good", &none, err), OQZ_E_PLUGIN, "not a task");
	oqz_module_close(oqz_steal(m));
	/* The file is replaced behind the registry's back. */
	folder("registry-load", "a.so=newer");
	ck_fails(oqz_registry_load(r, OQZ_KIND_QUANTIZER, "mock-good", &none, err), OQZ_E_PLUGIN,
	         "changed since it was listed");
	ck_assert_ptr_null(none);
}
END_TEST

OQZ_TEST_MAIN("registry", each_wrong_plugin_is_refused_for_its_reason, each_required_callback_is_missed,
              wrong_metrics_are_named, hanging_plugin_is_given_up, good_plugins_are_accepted,
              what_a_plugin_prints_is_not_seen, what_we_had_buffered_is_written_once,
              our_signal_handling_does_not_hide_a_crash, other_files_are_refused, listing_loads_nothing_here,
              first_of_a_name_wins_and_folders_come_in_order, path_comes_from_the_environment,
              description_survives_the_pipe, damaged_descriptions_are_refused, loading_opens_the_one_that_was_found)
