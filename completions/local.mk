# Completion for bash, where bash-completion looks below any prefix. tests/meta/completion.sh holds it against --help.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = \
	completions/oqz \
	completions/oqz-run \
	$(NULL)
