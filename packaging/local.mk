# For distributions: debian/ (not part of the release tarball: Debian adds its own) and oqz.spec, which lets `rpmbuild -ta` take
# the tarball. tests/long builds both, and tries quickstart.
EXTRA_DIST += \
	packaging/oqz.spec \
	tests/long/debian.sh \
	tests/long/functions.sh \
	tests/long/quickstart.sh \
	tests/long/rpm.sh \
	$(NULL)
long_tests += tests/long/debian.sh tests/long/quickstart.sh tests/long/rpm.sh
