# Presets, and example manifests that are run by tests where their data is present.
presetsdir = $(pkgdatadir)/presets
dist_presets_DATA = \
	etc/presets/cityscapes.yaml \
	etc/presets/espnet-1024.yaml \
	etc/presets/espnet-512.yaml \
	etc/presets/imagenet-232-224-bilinear.yaml \
	etc/presets/imagenet-256-224-bicubic.yaml \
	etc/presets/imagenet-256-224-bilinear.yaml \
	etc/presets/imagenet-256-240-bicubic.yaml \
	etc/presets/imagenet-384-384-bilinear.yaml \
	etc/presets/mmpose-192-256.yaml \
	etc/presets/mmyolo-640.yaml \
	etc/presets/mobilenet-tf.yaml \
	etc/presets/person-192-256.yaml \
	etc/presets/ppocr-32-320.yaml \
	etc/presets/ppocr-48-320.yaml \
	etc/presets/ppyoloe-640.yaml \
	etc/presets/quantzoo-640.yaml \
	etc/presets/quantzoo-640-levels.yaml \
	etc/presets/quantzoo-640-ppyoloe.yaml \
	etc/presets/squeezenet.yaml \
	etc/presets/superres-rgb.yaml \
	etc/presets/superres-y-224.yaml \
	etc/presets/superres-y.yaml \
	etc/presets/yolov5-640.yaml \
	etc/presets/yolox-640.yaml \
	$(NULL)
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	etc/examples/detection.yaml \
	etc/examples/imagenet.yaml \
	etc/examples/ocr.yaml \
	etc/examples/segmentation.yaml \
	etc/examples/superres.yaml \
	etc/examples/pose.yaml \
	etc/quantzoo.yaml \
	etc/quantzoo-reference.yaml \
	$(NULL)
