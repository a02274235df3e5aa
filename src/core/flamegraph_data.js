// SPDX-License-Identifier: GPL-2.0-or-later
// What the page of a flame graph knows of its nodes: places of the tree in preorder, 0 is the root. Amounts are whole
// numbers throughout, BigInt where a double would round them; only what is drawn is a double.
'use strict';

const readGraph = (data) => {
  const kinds = [
    {key: 'user', text: 'user'}, {key: 'kernel', text: 'kernel'}, {key: 'inlined', text: 'inlined'},
    {key: 'jit', text: 'JIT'}, {key: 'other', text: 'no function'}];

  const exact = data.total.some((text) => text.length > 15) ? BigInt : Number;
  const total = data.total.map(exact);  // now, before
  const n = data.frame.length;
  const depth = data.depth;
  const parent = new Int32Array(n).fill(-1), end = new Int32Array(n).fill(n);
  for (let i = 0, open = []; i < n; ++i) {
    while (open.length > depth[i]) end[open.pop()] = i;
    if (open.length) parent[i] = open[open.length - 1];
    open.push(i);
  }
  const own = data.own.map((text) => text.split(',').map(exact));
  const sums = own.map((amounts) => {
    const all = amounts.slice();
    for (let i = n - 1; i > 0; --i) all[parent[i]] += all[i];
    return all;
  });
  const part = (amount, of) => (Number(of) > 0 ? Number(amount) / Number(of) : 0);
  const share = (i, which) => part(sums[which][i], total[which]);

  // What the width of a node stands for: its amount; of a difference the mean of both shares.
  const weight = new Float64Array(n), left = new Float64Array(n), next = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    weight[i] = data.difference ? share(i, 0) + share(i, 1) : Number(sums[0][i]);
    if (i) left[i] = next[parent[i]];
    if (i) next[parent[i]] += weight[i];
    next[i] = left[i];
  }

  // --- texts ---------------------------------------------------------------------------------------------------------

  const commas = (amount) => String(amount).replace(/\B(?=(\d{3})+$)/g, ',');
  const percent = (x) => (x > 0 && x < 0.0001 ? '<0.01' : (100 * x).toFixed(2)) + ' %';
  const time = (amount) => {
    const ns = Number(amount);
    for (const [unit, length] of [['s', 1e9], ['ms', 1e6], ['µs', 1e3]])
      if (ns >= length) return Number((ns / length).toPrecision(3)) + ' ' + unit;
    return ns + ' ns';
  };
  const amountText = (amount) => data.unit === 'ns' ?
      (Number(amount) >= 1e12 ? commas(Math.round(Number(amount) / 1e9)) + ' s' : time(amount)) +
          ' (' + commas(amount) + ' ns)' :
      commas(amount) + ' ' + (amount == 1 ? data.unit.replace(/s$/, '') : data.unit);
  const nameOf = (i) => (i ? data.names[data.frames[3 * data.frame[i]]] : 'all');
  const moduleOf = (i) => (i ? data.names[data.frames[3 * data.frame[i] + 1]] : '');
  const kindOf = (i) => (i ? data.frames[3 * data.frame[i] + 2] : 4);
  // -1: gone, 1: new
  const change = (i) => {
    const now = share(i, 0), before = share(i, 1);
    return now + before > 0 ? (now - before) / (now + before) : 0;
  };
  const changeText = (i) => {
    const points = 100 * (share(i, 0) - share(i, 1));
    return (points < 0 ? '−' : '+') + Math.abs(points).toFixed(2) + ' points';
  };

  return {kinds, total, n, depth, parent, end, own, sums, exact, part, share, change, weight, left, commas, percent,
          amountText, changeText, nameOf, moduleOf, kindOf};
};
