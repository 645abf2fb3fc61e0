# For distributions: debian/ is complete as it stands, oqz.spec lets `rpmbuild -ta` take the tarball. tests/long builds both.
EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/oqz-dev.install \
	debian/not-installed \
	debian/oqz-doc.install \
	debian/oqz-plugins.install \
	debian/oqz.install \
	debian/rules \
	debian/source/format \
	packaging/oqz.spec \
	tests/long/debian.sh \
	tests/long/functions.sh \
	tests/long/rpm.sh \
	$(NULL)
long_tests += tests/long/debian.sh tests/long/rpm.sh
