//<![CDATA[
// Sorting and filtering of the result table. What is chosen stands in the address after '#', so that a view can be kept
// as a bookmark or sent: report.html#task=classify&sort=diff&order=descending
"use strict";
(function () {
	const table = document.getElementById("table"), body = table.tBodies[0], form = document.getElementById("filter");
	const rows = Array.from(body.rows), heads = Array.from(table.tHead.rows[0].cells);
	let sort = "", order = "ascending", arranged = ""; // as the rows stand in the page

	const texts = (row, selector) => Array.from(row.querySelectorAll(selector), (e) => e.textContent.trim());
	const facts = new Map(rows.map((row) => [row, {
		model: row.cells[0].firstElementChild.textContent,
		task: texts(row.cells[0], ".task"),
		scheme: [row.cells[1].textContent],
		tag: texts(row.cells[0], ".tag"),
		primary: row.classList.contains("primary"),
	}]));

	function fillChoices(name) {
		const seen = new Set();
		for (const f of facts.values())
			f[name].forEach((text) => seen.add(text));
		for (const text of seen)
			form.elements[name].add(new Option(text, text));
		form.elements[name].parentNode.hidden = seen.size === 0;
	}

	// Numbers before text; what a row does not have comes last in both orders.
	function key(row) {
		const cell = row.querySelector(".c-" + sort);
		if (!cell)
			return null;
		if (cell.classList.contains("n"))
			return cell.dataset.v === undefined ? null : Number(cell.dataset.v.replace("inf", "Infinity"));
		return sort === "model" ? facts.get(row).model : cell.textContent.trim();
	}

	function compare(a, b) {
		if (a.key === null || b.key === null)
			return (a.key === null) - (b.key === null) || a.at - b.at;
		const c = typeof a.key === "number" ? a.key - b.key : a.key.localeCompare(b.key, undefined, { numeric: true });
		return (order === "descending" ? -c : c) || a.at - b.at;
	}

	function arrange() {
		if (arranged === sort + order || (!arranged && !sort))
			return;
		arranged = sort && sort + order;
		const list = rows.map((row, at) => ({ row, at, key: sort ? key(row) : at }));
		if (sort)
			list.sort(compare);
		body.append(...list.map((e) => e.row));
		for (const head of heads) {
			if (head.dataset.k === sort)
				head.setAttribute("aria-sort", order);
			else
				head.removeAttribute("aria-sort");
		}
	}

	function select() {
		const want = form.elements, part = want.model.value.toLowerCase();
		let shown = 0, total = 0, before = "";
		for (const row of body.rows) {
			const f = facts.get(row), candidate = f.primary || want.all.checked;
			const ok = candidate && f.model.toLowerCase().includes(part) &&
				["task", "scheme", "tag"].every((name) => !want[name].value || f[name].includes(want[name].value));
			row.hidden = !ok;
			total += candidate;
			if (!ok)
				continue;
			shown += 1;
			row.classList.toggle("again", f.model === before);
			before = f.model;
		}
		document.getElementById("count").textContent = shown + " of " + total + " rows";
	}

	function remember() {
		const state = new URLSearchParams();
		for (const [name, value] of new FormData(form))
			if (value)
				state.set(name, value);
		if (sort) {
			state.set("sort", sort);
			state.set("order", order);
		}
		history.replaceState(null, "", "#" + state);
	}

	function restore() {
		const at = location.hash.slice(1), target = at && document.getElementById(at);
		if (target) {
			if (target.tagName === "DETAILS")
				target.open = true;
			return;
		}
		const state = new URLSearchParams(at);
		for (const name of ["model", "task", "scheme", "tag"])
			form.elements[name].value = state.get(name) || "";
		for (const name of ["task", "scheme", "tag"])
			if (form.elements[name].selectedIndex === -1)
				form.elements[name].value = "";
		form.elements.all.checked = state.has("all");
		sort = heads.some((head) => head.dataset.k === state.get("sort")) ? state.get("sort") : "";
		order = state.get("order") === "descending" ? "descending" : "ascending";
		arrange();
		select();
	}

	["task", "scheme", "tag"].forEach(fillChoices);
	for (const head of heads) {
		const button = document.createElement("button");
		button.type = "button";
		button.textContent = head.textContent;
		button.addEventListener("click", () => {
			order = sort === head.dataset.k && order === "ascending" ? "descending" : "ascending";
			sort = head.dataset.k;
			arrange();
			select();
			remember();
		});
		head.replaceChildren(button);
	}
	form.addEventListener("submit", (event) => event.preventDefault());
	form.addEventListener("input", () => { select(); remember(); });
	form.addEventListener("reset", () => setTimeout(() => {
		sort = "";
		arrange();
		select();
		remember();
	}));
	window.addEventListener("hashchange", restore);
	// On paper nothing can be unfolded: every model is.
	const folded = () => document.querySelectorAll("details.model:not([open])");
	let unfolded = [];
	window.addEventListener("beforeprint", () => {
		unfolded = Array.from(folded());
		unfolded.forEach((model) => { model.open = true; });
	});
	window.addEventListener("afterprint", () => unfolded.forEach((model) => { model.open = false; }));
	form.hidden = false;
	select();
	restore();
})();
//]]>
