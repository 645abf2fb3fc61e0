//<![CDATA[
// Charts that answer: point at a layer for all schemes' figures, click a scheme in the key to hide it. Drawn by Chart.js
// over the page's own drawings, whose data stand in data-chart; without Chart.js or scripts those drawings stay.
"use strict";
(function () {
	if (typeof Chart === "undefined")
		return;
	const dark = window.matchMedia("(prefers-color-scheme: dark)");
	const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
	const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
	const charts = new Map();
	Chart.defaults.font.family = getComputedStyle(document.body).fontFamily; // the page's own
	Chart.defaults.font.size = 11;
	const minus = (text) => text.replace(/-/g, "−"); // the same as in the page's tables
	const number = (x) => x === null ? "–" : minus(x !== 0 && Math.abs(x) < 0.001 ? x.toExponential(1) : x.toPrecision(4));

	// On a logarithmic axis 1, 2 and 5 times a power of ten; elsewhere as they come.
	function tick(value, type) {
		const mantissa = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
		return type === "logarithmic" && ![1, 2, 5].includes(mantissa) ? "" : minus(String(Number(value.toPrecision(4))));
	}

	// To the next 1, 2 or 5 times a power of ten: below with Math.floor, above with Math.ceil.
	function round(x, towards) {
		const power = 10 ** Math.floor(Math.log10(x)), steps = [1, 2, 5, 10].map((s) => s * power);
		return towards === Math.floor ? steps.filter((s) => s <= x).pop() : steps.find((s) => s >= x);
	}

	function scale(title, type) {
		return {
			type, title: { display: title !== "", text: title, color: colour("soft") },
			grid: { color: colour("line") }, border: { color: colour("line") },
			ticks: { color: colour("soft"), autoSkip: type !== "logarithmic", callback: (value) => tick(value, type) },
		};
	}

	function base() {
		return {
			animation: false, responsive: true, maintainAspectRatio: false,
			plugins: {
				legend: { position: "top", align: "start", labels: { color: colour("text"), boxHeight: 2, boxWidth: 22 } },
				tooltip: { backgroundColor: colour("text"), titleColor: colour("page"), bodyColor: colour("page") },
			},
		};
	}

	// Both ends of a name tell it from others; of a layer's path the end does.
	function shorten(name) {
		return name.length <= 26 ? name : name.includes("/") ? "…" + name.slice(-25) : name.slice(0, 13) + "…" + name.slice(-12);
	}

	// One panel of a model's error profile; both panels of a model hide the same schemes. The last one names the layers.
	function profile(canvas, data, which, named) {
		const options = base();
		options.interaction = { mode: "index", intersect: false };
		options.scales = { x: scale("", "category"), y: scale("relative error", "logarithmic") };
		// So that the panels' layers stand below each other, names or not.
		options.scales.y.afterFit = (axis) => { axis.width = 68; };
		options.scales.x.afterFit = (axis) => { axis.paddingLeft = 0; axis.paddingRight = 12; };
		const values = data.series.flatMap((s) => s[which].filter((v) => v !== null));
		if (values.length) {
			options.scales.y.min = round(Math.min(...values) / 1.1, Math.floor);
			options.scales.y.max = round(Math.max(...values) * 1.1, Math.ceil);
		}
		options.scales.x.offset = true; // room for the first and last name
		options.scales.x.grid.display = data.names.length <= 60; // of more they would be a gray field
		options.scales.x.ticks.display = named;
		options.plugins.legend.display = which === "cumulative";
		options.scales.x.ticks.autoSkip = true;
		// Names that do not fit side by side stand upright: slanted, they lie over the axis and below one another.
		const wide = 7 * Math.max(...data.names.map((name) => shorten(name).length)) * data.names.length > canvas.parentNode.clientWidth - 80;
		options.scales.x.ticks.minRotation = wide ? 90 : 0;
		options.scales.x.ticks.maxRotation = wide ? 90 : 0;
		options.scales.x.ticks.callback = (value) => shorten(data.names[value]);
		options.plugins.title = {
			display: true, align: "start", color: colour("text"),
			font: { size: 13 },
			text: which === "local" ? "Local: this layer alone quantized" : "Cumulative: all layers up to here quantized",
		};
		options.plugins.tooltip.callbacks = {
			title: (items) => data.names[items[0].dataIndex] + " (" + data.ops[items[0].dataIndex] + ")",
			label: (item) => item.dataset.label + ": " + number(item.raw),
		};
		const datasets = data.series.map((s) => ({
			label: s.name, data: s[which], borderColor: colour("s" + s.colour), backgroundColor: colour("s" + s.colour),
			borderDash: dashes[s.dash], borderWidth: 1.8, pointRadius: data.names.length > 80 ? 0 : 2.5, tension: 0,
			spanGaps: false,
		}));
		return { type: "line", data: { labels: data.names, datasets }, options };
	}

	// The models that lost most, by name: beside, above or below their points, where neither another name nor a point is.
	function nameWorst(chart) {
		const { ctx, chartArea } = chart, HEIGHT = 12, POINT = 5;
		const points = chart.data.datasets.flatMap((set, i) => !chart.isDatasetVisible(i) ? [] :
			chart.getDatasetMeta(i).data.map((point, k) => ({ point, raw: set.data[k] })));
		const taken = points.map(({ point }) => ({ x: point.x - POINT, y: point.y - POINT, width: 2 * POINT, height: 2 * POINT }));
		const free = (box) => box.x > chartArea.left && box.x + box.width < chartArea.right &&
			box.y > chartArea.top && box.y + box.height < chartArea.bottom &&
			taken.every((t) => box.x > t.x + t.width || box.x + box.width < t.x || box.y > t.y + t.height || box.y + box.height < t.y);
		points.sort((a, b) => b.raw.y - a.raw.y);
		ctx.save();
		ctx.font = "11px " + Chart.defaults.font.family;
		ctx.fillStyle = colour("soft");
		ctx.textBaseline = "middle";
		for (const { point, raw } of points.slice(0, 4).filter((p) => p.raw.low > 0)) {
			const name = shorten(raw.model), width = ctx.measureText(name).width;
			const beside = point.y - HEIGHT / 2, middle = point.x - width / 2;
			const box = [[point.x + 8, beside], [point.x - 8 - width, beside], [middle, point.y - 8 - HEIGHT], [middle, point.y + 8]]
				.map(([x, y]) => ({ x, y, width, height: HEIGHT })).find(free);
			if (!box)
				continue;
			taken.push(box);
			ctx.fillText(name, box.x, box.y + HEIGHT / 2);
		}
		ctx.restore();
	}

	// The 95 % interval of each point, which Chart.js has no element for.
	const whiskers = {
		id: "whiskers",
		afterDatasetsDraw: nameWorst,
		beforeDatasetsDraw(chart) {
			const { ctx, scales: { y } } = chart;
			chart.data.datasets.forEach((set, i) => {
				if (!chart.isDatasetVisible(i))
					return;
				chart.getDatasetMeta(i).data.forEach((point, k) => {
					const raw = set.data[k];
					if (raw.low === null || raw.high === null)
						return;
					ctx.save();
					ctx.strokeStyle = set.borderColor;
					ctx.globalAlpha = 0.5;
					ctx.beginPath();
					ctx.moveTo(point.x, y.getPixelForValue(raw.low));
					ctx.lineTo(point.x, y.getPixelForValue(raw.high));
					ctx.stroke();
					ctx.restore();
				});
			});
		},
	};

	function scatter(canvas, data) {
		const options = base();
		const all = data.series.flatMap((s) => s.points.flatMap((p) => [p.y, p.low, p.high].filter((v) => v !== null)));
		options.scales = { x: scale(data.title, "logarithmic"), y: scale("loss, % of float", "linear") };
		options.scales.y.suggestedMin = Math.min(0, ...all);
		options.scales.y.suggestedMax = Math.max(0, ...all);
		options.scales.x.ticks.maxRotation = 0;
		options.scales.y.grid.color = (context) => colour(context.tick && context.tick.value === 0 ? "soft" : "line");
		options.plugins.legend.display = false;
		options.plugins.tooltip.callbacks = {
			title: (items) => items[0].raw.model,
			label: (item) => item.dataset.label + ": " + minus(item.raw.y.toFixed(2)) + " % lost, error " + number(item.raw.x),
		};
		const datasets = data.series.map((s) => ({
			label: s.name, data: s.points, borderColor: colour("s" + s.colour), backgroundColor: colour("s" + s.colour),
			pointRadius: 4.5, pointHoverRadius: 6,
		}));
		return { type: "scatter", data: { datasets }, options, plugins: [whiskers] };
	}

	function add(holder, width, height, make) {
		const frame = document.createElement("div"), canvas = document.createElement("canvas");
		frame.className = "drawn";
		frame.style.height = height + "px";
		frame.style.minWidth = width + "px"; // narrower windows scroll
		canvas.setAttribute("role", "img");
		const drawing = holder.querySelector("svg[aria-label]");
		canvas.setAttribute("aria-label", drawing ? drawing.getAttribute("aria-label") : "Chart; the same figures stand in the tables");
		frame.append(canvas);
		holder.append(frame);
		charts.set(canvas, { chart: new Chart(canvas, make(canvas)), make });
		return charts.get(canvas).chart;
	}

	// The key of the first panel rules both.
	function together(panels) {
		for (const panel of panels)
			panel.options.plugins.legend.onClick = (event, item) => {
				const show = !panels[0].isDatasetVisible(item.datasetIndex);
				for (const p of panels)
					p.setDatasetVisibility(item.datasetIndex, show), p.update();
			};
	}

	function draw(holder) {
		const data = JSON.parse(holder.dataset.chart);
		holder.classList.add("live");
		if (data.kind === "scatter") {
			add(holder, 250, 300, (canvas) => scatter(canvas, data));
			return;
		}
		const longest = Math.max(...data.names.map((name) => shorten(name).length));
		const width = Math.min(560, 90 + 15 * data.names.length); // fewer layers need less
		// The key takes a line for so many characters, swatches included; the plot keeps its height.
		const line = Math.max(width, holder.clientWidth) / 9;
		const key = 18 * Math.floor(data.series.reduce((sum, s) => sum + s.name.length + 6, 0) / line);
		const panels = [add(holder, width, key + (data.local ? 280 : 280 + 6 * longest), (canvas) => profile(canvas, data, "cumulative", !data.local))];
		if (data.local)
			panels.push(add(holder, width, 280 + 6 * longest, (canvas) => profile(canvas, data, "local", true)));
		together(panels);
	}

	// A zoo has many charts: beyond a few, each is made when it comes near the window.
	const watcher = new IntersectionObserver((entries) => {
		for (const entry of entries)
			if (entry.isIntersecting) {
				watcher.unobserve(entry.target);
				draw(entry.target);
			}
	}, { rootMargin: "600px" });
	const holders = Array.from(document.querySelectorAll("[data-chart]"));
	holders.forEach((holder) => holders.length > 24 ? watcher.observe(holder) : draw(holder));
	dark.addEventListener("change", () => {
		for (const [canvas, entry] of charts) {
			entry.chart.destroy();
			entry.chart = new Chart(canvas, entry.make(canvas));
		}
	});
})();
//]]>
