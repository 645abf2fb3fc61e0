/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz/plugin.h - what every oqz plugin has in common: the descriptor, parameters, the host table.
 *
 * How to read these headers: types.h has the words, this file the frame, quantizer.h and task.h one kind of plugin
 * each. A plugin is one shared object that exports exactly one symbol, made by OQZ_PLUGIN_EXPORT() at the end of its
 * source. The symbol returns a pointer to a constant descriptor. The plugin calls the program only through the function
 * table (struct oqz_host) that it is given: it has no undefined oqz symbols, links with -z defs, and can be tested
 * against a table of one's own. A complete example outside the source tree: $(datadir)/oqz/template.
 *
 * Compatibility: the descriptor starts with a magic number, its size, the API version and an ABI string. The loader
 * refuses another magic, ABI string or major version; of a smaller descriptor the missing members are zero, of a larger
 * one the surplus is ignored. Members are only ever appended; the head (struct oqz_plugin), which others follow, grows
 * into its own spare room. The same holds for the host's tables: look at their struct_size before using a member that
 * came later.
 *
 * Threads: calls on one instance are serialised unless a member's comment says otherwise. A plugin keeps no state
 * outside its instances, since one plugin runs with many parameter sets at once. Errors: return a negative oqz_status
 * after host->fail(...), which records the sentence that the user reads.
 */
#ifndef OQZ_PLUGIN_H
#define OQZ_PLUGIN_H

#include <oqz/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OQZ_PLUGIN_MAGIC UINT64_C(0x6f717a706c756731) /* "oqzplug1" */
#define OQZ_API_MAJOR 1
#define OQZ_API_MINOR 4
/* What a plugin and its host must agree on beyond versions: byte order, index width, numerics contract. */
#define OQZ_ABI "oqz1/le/i64/num1"

/* -------------------------------------------------------------------------------------------------- parameters */

enum oqz_param_type {
	OQZ_P_BOOL,
	OQZ_P_INT,
	OQZ_P_FLOAT,
	OQZ_P_STRING, /* with `choices`: one of these words */
	OQZ_P_PATH,   /* made absolute by the manifest (relative to the file it stands in) */
	OQZ_P_INTS,   /* lists: in a flat call written a:b:c */
	OQZ_P_FLOATS,
	OQZ_P_STRINGS,
};

/* One parameter as data: manifest checks, `oqz describe`, man pages and result keys all read this row. */
struct oqz_param {
	const char *name;
	enum oqz_param_type type;
	const char *dflt;           /* as it would be written in a manifest; NULL: required, "" : empty/absent */
	double min, max;            /* INT, FLOAT (and each element of INTS, FLOATS): allowed range; both 0: any */
	const char *const *choices; /* NULL-terminated, or NULL */
	const char *unit;           /* "pixels", "ratio", or NULL */
	const char *help;           /* one line */
};

struct oqz_params; /* the checked values; read through the host */

/* -------------------------------------------------------------------------------------------------- host */

enum oqz_log_level { OQZ_LOG_ERROR, OQZ_LOG_WARN, OQZ_LOG_INFO, OQZ_LOG_DEBUG };

struct oqz_failure; /* where host->fail writes; handed to each call that can fail */

/* An image in memory: data[(y * width + x) * channels + c], freed with host->free_mem. */
struct oqz_picture {
	uint8_t *data;
	int32_t width, height, channels;
};
enum oqz_picture_mode {
	OQZ_PICTURE_RGB,   /* 3 channels, as Pillow's convert("RGB"); EXIF orientation is not applied */
	OQZ_PICTURE_CODES, /* 1 channel of stored codes: gray levels or palette indices, unscaled (label maps) */
};

/* Services of the program. The table outlives every instance. */
struct oqz_host {
	uint32_t struct_size;
	uint16_t api_major, api_minor;

	/* Records why a call fails (printf-like) and returns `code`. */
	enum oqz_status (*fail)(struct oqz_failure *f, enum oqz_status code, const char *fmt, ...);
	/* A message for the user; one line, no newline (printf-like). `host` is this table. Thread-safe. */
	void (*log)(const struct oqz_host *host, enum oqz_log_level level, const char *fmt, ...);

	/* Parameter values by name. Asking for a name or type that the plugin's table does not declare is a programming
	 * error that ends the job with a message. Strings and lists are borrowed and live as long as `p`. */
	bool (*param_bool)(const struct oqz_params *p, const char *name);
	int64_t (*param_int)(const struct oqz_params *p, const char *name);
	double (*param_float)(const struct oqz_params *p, const char *name);
	const char *(*param_string)(const struct oqz_params *p, const char *name); /* "" when empty */
	size_t (*param_ints)(const struct oqz_params *p, const char *name, const int64_t **ret);
	size_t (*param_floats)(const struct oqz_params *p, const char *name, const double **ret);
	size_t (*param_strings)(const struct oqz_params *p, const char *name, const char *const **ret);

	/* Whole-file reading with the program's limits and messages. *ret is freed with `free_mem`; a NUL follows the
	 * data. */
	enum oqz_status (*read_file)(const char *path, char **ret, size_t *ret_size, struct oqz_failure *f);
	/* Files below `root`, recursively, whose name ends in one of the suffixes (letter case ignored; NULL-terminated
	 * list, NULL for all). Order: by directory, then by name, both in byte order, so a directory's own files come
	 * before those of its sub-directories (torchvision's sorted(os.walk())). Symbolic links are followed; a loop of
	 * them, or a directory that cannot be read, fails. The callback gets paths relative to root; a negative return
	 * stops and is passed on. */
	enum oqz_status (*walk)(const char *root, const char *const *suffixes,
	                        enum oqz_status (*each)(void *ctx, const char *relative_path), void *ctx,
	                        struct oqz_failure *f);
	void *(*alloc)(size_t size); /* zeroed; NULL when out of memory */
	void (*free_mem)(void *p);
	/* Names of the immediate sub-directories of `root` (links to directories too), in byte order. */
	enum oqz_status (*list_dirs)(const char *root, enum oqz_status (*each)(void *ctx, const char *name), void *ctx,
	                             struct oqz_failure *f);
	/* Since API 1.1. Reads and decodes a JPEG or PNG with the program's limits and messages (references, label
	 * maps); `mode` is an enum oqz_picture_mode. Thread-safe. */
	enum oqz_status (*load_image)(const char *path, uint32_t mode, struct oqz_picture *ret, struct oqz_failure *f);
	/* Since API 1.2. Reads an array from a .npy file, with the program's limits and messages. ret->data is freed
	 * with `free_mem` (it is the caller's, in spite of its const). Thread-safe. */
	enum oqz_status (*load_array)(const char *path, struct oqz_view *ret, struct oqz_failure *f);
};

/* -------------------------------------------------------------------------------------------------- descriptor */

enum oqz_plugin_kind { OQZ_KIND_QUANTIZER = 1, OQZ_KIND_TASK = 2 };

struct oqz_plugin {
	uint64_t magic;
	uint32_t struct_size; /* of the full descriptor (struct oqz_quantizer or struct oqz_task) */
	uint16_t api_major, api_minor;
	char abi[32];
	uint32_t kind; /* enum oqz_plugin_kind */
	uint32_t reserved;
	const char *name; /* [a-z0-9-]+, unique; the word in manifests */
	const char *version;
	const char *licence;            /* SPDX expression */
	const char *summary;            /* one line */
	const struct oqz_param *params; /* ends with a row whose name is NULL; NULL: none */
	const void *spare[4];           /* NULL */
};

#define OQZ_PLUGIN_HEAD(KIND, TYPE)                                                         \
	.magic = OQZ_PLUGIN_MAGIC, .struct_size = sizeof(TYPE), .api_major = OQZ_API_MAJOR, \
	.api_minor = OQZ_API_MINOR, .abi = OQZ_ABI, .kind = (KIND)

#if defined(__GNUC__)
#define OQZ_EXPORT_VISIBLE_ __attribute__((visibility("default")))
#else
#define OQZ_EXPORT_VISIBLE_
#endif
#ifdef __cplusplus
#define OQZ_EXPORT extern "C" OQZ_EXPORT_VISIBLE_
#else
#define OQZ_EXPORT OQZ_EXPORT_VISIBLE_
#endif

/* The only exported symbol. `host` is NULL when the loader only wants to look at the descriptor. */
#define OQZ_PLUGIN_ENTRY_NAME "oqz_plugin_entry"
typedef const struct oqz_plugin *oqz_plugin_entry_fn(const struct oqz_host *host);
#define OQZ_PLUGIN_EXPORT(descriptor)                                                      \
	OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host); \
	OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host)  \
	{                                                                                  \
		(void)host;                                                                \
		return &(descriptor).base;                                                 \
	}

#ifdef __cplusplus
}
#endif
#endif
