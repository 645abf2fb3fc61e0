# YAML manifest.
core_manifest_liboqz_manifest_a_SOURCES = \
	$(NULL)
