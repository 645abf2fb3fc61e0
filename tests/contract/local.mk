# Every built plugin against the same rules; the template outside of the tree.
contract_sources = tests/contract/fake.c tests/contract/fake.h
check_PROGRAMS += tests/contract/test_quantizer_contract
tests_contract_test_quantizer_contract_SOURCES = tests/contract/test_quantizer_contract.c $(contract_sources)
tests_contract_test_quantizer_contract_CPPFLAGS = $(unit_cppflags)
tests_contract_test_quantizer_contract_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/contract/test_task_contract
tests_contract_test_task_contract_SOURCES = tests/contract/test_task_contract.c $(contract_sources)
tests_contract_test_task_contract_CPPFLAGS = $(unit_cppflags)
tests_contract_test_task_contract_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/contract/test_plugin_docs
tests_contract_test_plugin_docs_SOURCES = tests/contract/test_plugin_docs.c
tests_contract_test_plugin_docs_CPPFLAGS = $(unit_cppflags)
tests_contract_test_plugin_docs_LDADD = $(unit_ldadd)

TESTS += \
	tests/contract/test_quantizer_contract \
	tests/contract/test_task_contract \
	tests/contract/test_plugin_docs \
	tests/contract/list.sh \
	tests/contract/template.sh \
	$(NULL)
dist_check_SCRIPTS += tests/contract/list.sh tests/contract/template.sh
