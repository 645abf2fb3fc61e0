/* SPDX-License-Identifier: Apache-2.0
 *
 * The fuzz targets' main without libFuzzer: replays inputs and deterministic damage to them, so that `make check`
 *notices on any compiler what a fuzzer once found and most of what it would find again.
 *
 *	fuzz_x                  regressions, seeds, and OQZ_FUZZ_RUNS mutations (default below) from OQZ_FUZZ_SEED
 *	fuzz_x FILE|FOLDER...   these inputs as they are; *.hex files hold hexadecimal text
 *
 * Each input lies in a block of exactly its size, where a sanitizer sees every byte too far. What runs when the process
 * dies is left in crash-<target>.hex in the current folder.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"
#include "core/base/rng.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { INPUT_LIMIT = 1 << 20, HANG_SECONDS = 60 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
enum { DEFAULT_RUNS = 400 };
#else
enum { DEFAULT_RUNS = 2000 };
#endif

void __sanitizer_set_death_callback(void (*f)(void)) __attribute__((weak));

static const uint8_t *current;
static size_t current_size;
static size_t count;

/* Only calls that are allowed in a signal handler. */
static void save_current(void)
{
	static const char digits[] = "0123456789abcdef";
	char name[100] = "crash-", line[65];
	size_t n = strlen(strcat(strcat(name, fuzz_target), ".hex"));

	if (!current)
		return;
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	for (size_t i = 0; fd >= 0 && i < current_size; i += 32) {
		size_t k = 0;
		for (; k < 32 && i + k < current_size; k++) {
			line[2 * k] = digits[current[i + k] >> 4];
			line[2 * k + 1] = digits[current[i + k] & 15];
		}
		line[2 * k] = '\n';
		if (write(fd, line, 2 * k + 1) < 0)
			break;
	}
	current = NULL;
	if (write(2, "input left in ", 14) < 0 || write(2, name, n) < 0 || write(2, "\n", 1) < 0)
		return;
}

static void on_signal(int sig)
{
	if (sig == SIGPROF && write(2, "no end in sight\n", 16) < 0)
		sig = SIGABRT;
	save_current();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Of the processor, not of the clock: a busy machine is no hang. 0: no limit. */
static void limit_time(int seconds)
{
	const struct itimerval t = { .it_value = { .tv_sec = seconds } };

	FUZZ_CHECK(setitimer(ITIMER_PROF, &t, NULL) == 0);
}

static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	FUZZ_CHECK(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	current = copy;
	current_size = size;
	limit_time(HANG_SECONDS);
	LLVMFuzzerTestOneInput(copy, size);
	limit_time(0);
	current = NULL;
	free(copy);
	count++;
}

static size_t from_hex(uint8_t *data, size_t size)
{
	size_t n = 0;
	int half = -1;

	for (size_t i = 0; i < size; i++) {
		int c = tolower(data[i]), v = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
		if (v < 0)
			continue;
		if (half < 0) {
			half = v;
		} else {
			data[n++] = (uint8_t)(half << 4 | v);
			half = -1;
		}
	}
	return n;
}

static void run_path(const char *path);

static void run_file(const char *path)
{
	uint8_t *data = malloc(2 * INPUT_LIMIT);
	FILE *f = fopen(path, "rb");
	size_t n = strlen(path);

	FUZZ_CHECK(data != NULL);
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	size_t size = fread(data, 1, 2 * INPUT_LIMIT, f);
	fclose(f);
	if (n > 4 && strcmp(path + n - 4, ".hex") == 0)
		size = from_hex(data, size);
	run(data, size);
	free(data);
}

static int visible(const struct dirent *e) { return e->d_name[0] != '.'; }

static void run_folder(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, visible, alphasort);
	char name[1000];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
		run_path(name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		run_folder(path);
	else
		run_file(path);
}

/* ---- damage ---- */

static size_t insert(uint8_t *buf, size_t size, size_t at, const uint8_t *from, size_t n)
{
	if (size + n > INPUT_LIMIT)
		return size;
	memmove(buf + at + n, buf + at, size - at);
	memcpy(buf + at, from, n);
	return size + n;
}

static size_t damage(struct oqz_rng *r, uint8_t *buf, size_t size, const struct seeds *s)
{
	static const uint64_t words[] = { 0,      1,          0x7f,       0x80,       0xff,
		                          0x7fff, 0x8000,     0xffff,     0x7fffffff, 0x80000000,
		                          ~0ull,  1ull << 40, 1ull << 63, 0x3fffffff, 0x10000 };
	const struct seed *other = &s->v[oqz_rng_below(r, s->n)];
	size_t at = oqz_rng_below(r, size), n = 1 + oqz_rng_below(r, size - at < 64 ? size - at : 64);
	uint64_t word = words[oqz_rng_below(r, OQZ_COUNTOF(words))];
	uint8_t block[64];

	switch (oqz_rng_below(r, 9)) {
	case 0: buf[at] = (uint8_t)oqz_rng_u64(r); return size;
	case 1: return at ? at : 1; /* cut */
	case 2: /* leave a piece out */ memmove(buf + at, buf + at + n, size - at - n); return size - n ? size - n : 1;
	case 3: /* say it twice, perhaps elsewhere */
		memcpy(block, buf + at, n);
		return insert(buf, size, oqz_rng_below(r, size), block, n);
	case 4: { /* a piece of another seed */
		size_t from = oqz_rng_below(r, other->size), m = other->size - from;
		return insert(buf, size, at, other->data + from, m < 4096 ? 1 + oqz_rng_below(r, m) : 4096);
	}
	case 5:
	case 6: /* a number that counts wrong */
		n = (size_t)1 << oqz_rng_below(r, 4);
		memcpy(buf + at, &word, n < size - at ? n : size - at);
		return size;
	default: buf[at] ^= (uint8_t)(1 << oqz_rng_below(r, 8)); return size;
	}
}

static void mutate(const struct seeds *s, size_t runs)
{
	const char *text = getenv("OQZ_FUZZ_SEED");
	uint8_t *buf = malloc(INPUT_LIMIT + 8);
	struct oqz_rng r;

	FUZZ_CHECK(buf != NULL);
	for (size_t i = 0; i < runs; i++) {
		const struct seed *seed = &s->v[i % s->n];
		size_t size = seed->size;
		oqz_rng_init(&r, (text ? strtoull(text, NULL, 10) : 1) + i);
		memcpy(buf, seed->data, size);
		for (size_t k = 1 + oqz_rng_below(&r, 4); k > 0; k--)
			size = damage(&r, buf, size, s);
		run(buf, size);
	}
	free(buf);
}

static void replay_all(void)
{
	const char *top = getenv("top_srcdir"), *runs = getenv("OQZ_FUZZ_RUNS");
	struct seeds s;
	char folder[1000];

	snprintf(folder, sizeof folder, "%s/tests/fuzz/regress/%s", top ? top : ".", fuzz_target);
	if (access(folder, F_OK) == 0)
		run_folder(folder);
	FUZZ_CHECK(seeds_make(fuzz_target, &s) && s.n > 0);
	run((const uint8_t *)"", 0);
	for (size_t i = 0; i < s.n; i++) {
		FUZZ_CHECK(s.v[i].size > 0 && s.v[i].size <= INPUT_LIMIT);
		unsigned long before = fuzz_accepted;
		run(s.v[i].data, s.v[i].size);
		if (fuzz_accepted == before) {
			fprintf(stderr, "%s: seed %zu is refused\n", fuzz_target, i);
			exit(1);
		}
	}
	mutate(&s, runs ? strtoul(runs, NULL, 10) : DEFAULT_RUNS);
	seeds_free(&s);
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGABRT, SIGPROF, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(save_current);
	for (size_t i = 0; i < (__sanitizer_set_death_callback ? 2 : OQZ_COUNTOF(signals)); i++)
		signal(signals[i], on_signal);
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	if (argc < 2)
		replay_all();
	printf("%s: %zu inputs, %lu of them accepted\n", fuzz_target, count, fuzz_accepted);
	return 0;
}
