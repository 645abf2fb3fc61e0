# Manual pages. tests/meta/docs.sh holds them against the program's own help.
dist_man_MANS += \
	doc/oqz.1 \
	doc/oqz-calibrate.1 \
	doc/oqz-check-onnx.1 \
	doc/oqz-describe.1 \
	doc/oqz-export.1 \
	doc/oqz-infer.1 \
	doc/oqz-list.1 \
	doc/oqz-manifest.5 \
	doc/oqz-prepare.1 \
	doc/oqz-profile.1 \
	doc/oqz-qdq.1 \
	doc/oqz-report.1 \
	doc/oqz-run.1 \
	doc/oqz-score.1 \
	doc/oqz-show.1 \
	doc/oqz-split.1 \
	doc/oqz-validate.1 \
	$(NULL)
