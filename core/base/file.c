/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole-file input and output. Sizes are taken from what was read, not from stat, so pipes work and a file that changes
 * underneath cannot overrun anything.
 */
#include "core/base/file.h"
#include "core/base/arena.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum oqz_status read_fd(int fd, const char *path, size_t limit, char **ret_data, size_t *ret_size,
                               struct oqz_err *err)
{
	struct stat st;
	size_t cap = 1 << 16, len = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((uintmax_t)st.st_size > limit)
			OQZ_FAIL(err, OQZ_E_LIMIT, "%s: %jd bytes, more than the limit of %zu", path,
			         (intmax_t)st.st_size, limit);
		cap = (size_t)st.st_size + 2;
	}
	OQZ_CLEANUP_FREE char *buf = malloc(cap);
	if (!buf)
		return oqz_err_nomem(err, path, cap);
	for (;;) {
		if (len + 1 >= cap) {
			char *p = realloc(buf, cap * 2);
			if (!p)
				return oqz_err_nomem(err, path, cap * 2);
			buf = p;
			cap *= 2;
		}
		ssize_t n = read(fd, buf + len, cap - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return oqz_err_errno(err, errno, path);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > limit)
			OQZ_FAIL(err, OQZ_E_LIMIT, "%s: more than the limit of %zu bytes", path, limit);
	}
	buf[len] = 0;
	*ret_data = oqz_steal(buf);
	*ret_size = len;
	return OQZ_OK;
}

enum oqz_status oqz_file_read(const char *path, size_t limit, char **ret_data, size_t *ret_size, struct oqz_err *err)
{
	if (strcmp(path, "-") == 0)
		return read_fd(STDIN_FILENO, "standard input", limit, ret_data, ret_size, err);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return oqz_err_errno(err, errno, path);
	enum oqz_status st = read_fd(fd, path, limit, ret_data, ret_size, err);
	close(fd);
	return st;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

enum oqz_status oqz_file_write(const char *path, const void *data, size_t size, struct oqz_err *err)
{
	if (strcmp(path, "-") == 0) {
		int bad = write_all(STDOUT_FILENO, data, size);
		return bad ? oqz_err_errno(err, bad, "standard output") : OQZ_OK;
	}
	struct oqz_str tmp = { 0 };
	oqz_str_addf(&tmp, "%s.tmp", path);
	if (!oqz_str_ok(&tmp))
		return oqz_err_nomem(err, path, strlen(path));
	int fd = open(tmp.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int bad = fd < 0 ? errno : write_all(fd, data, size);
	if (fd >= 0) {
		if (!bad && fsync(fd) != 0 && errno != EINVAL)
			bad = errno;
		if (close(fd) != 0 && !bad)
			bad = errno;
		if (!bad && rename(tmp.s, path) != 0)
			bad = errno;
		if (bad)
			unlink(tmp.s);
	}
	oqz_str_release(&tmp);
	return bad ? oqz_err_errno(err, bad, path) : OQZ_OK;
}

enum oqz_status oqz_mkdirs(const char *path, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *p = strdup(path);

	if (!p)
		return oqz_err_nomem(err, path, strlen(path));
	for (char *s = p + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = 0;
		if (mkdir(p, 0777) != 0 && errno != EEXIST)
			return oqz_err_errno(err, errno, p);
		*s = '/';
	}
	struct stat st;
	if (mkdir(p, 0777) != 0 && (errno != EEXIST || stat(p, &st) != 0 || !S_ISDIR(st.st_mode)))
		return oqz_err_errno(err, errno, p);
	return OQZ_OK;
}

char *oqz_path_join(struct oqz_arena *a, const char *dir, const char *path)
{
	if (path[0] == '/' || !dir || !dir[0])
		return oqz_arena_strdup(a, path);
	size_t n = strlen(dir);
	return oqz_arena_printf(a, "%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", path);
}

char *oqz_path_dir(struct oqz_arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return oqz_arena_strdup(a, ".");
	return slash == path ? oqz_arena_strdup(a, "/") : oqz_arena_strndup(a, path, (size_t)(slash - path));
}

const char *oqz_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
