# The plugins' binary interface: layout of the public structs, exported and undefined symbols.
check_PROGRAMS += tests/abi/test_abi
tests_abi_test_abi_SOURCES = tests/abi/test_abi.c
tests_abi_test_abi_CPPFLAGS = $(PLUGIN_INCLUDES)
TESTS += tests/abi/test_abi tests/abi/symbols.sh tests/abi/cxx.sh
dist_check_SCRIPTS += tests/abi/symbols.sh tests/abi/cxx.sh
