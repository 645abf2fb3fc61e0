# Presets, example manifests.
