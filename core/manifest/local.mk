# YAML manifest: text -> tree with positions -> one merged tree -> typed entries -> jobs.
core_manifest_liboqz_manifest_a_SOURCES = \
	core/manifest/expand.c \
	core/manifest/expand.h \
	core/manifest/manifest.c \
	core/manifest/manifest.h \
	core/manifest/schema.c \
	core/manifest/schema.def \
	core/manifest/source.c \
	core/manifest/source.h \
	core/manifest/values.c \
	core/manifest/yaml.c \
	core/manifest/yaml.h \
	core/manifest/yaml_merge.c \
	$(NULL)
core_manifest_liboqz_manifest_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
