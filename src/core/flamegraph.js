// SPDX-License-Identifier: GPL-2.0-or-later
// The page of a flame graph: reads the exact amounts that lie beside it, draws what can be seen of them. The same in an
// HTML page and in an SVG picture, where it takes the place of what is drawn there for those who run no script.
'use strict';
(() => {
  const source = document.getElementById('graph-data');
  const root = document.documentElement;
  const inPicture = root.localName === 'svg';
  if (!inPicture && source.namespaceURI.endsWith('svg')) return;  // a picture within somebody else's page
  const data = JSON.parse(source.textContent);

  const narrowest = 0.3;  // px: what is narrower is not drawn
  const {kinds, total, n, depth, parent, end, own, sums, exact, part, share, change, weight, left, commas, percent,
         amountText, changeText, nameOf, moduleOf, kindOf} = readGraph(data);

  const facts = (i) => {
    const lines = [];
    const about = i ? kinds[kindOf(i)].text + (moduleOf(i) ? ', in ' + moduleOf(i) : '') : '';
    if (about) lines.push(about);
    if (data.difference) {
      lines.push('before: ' + amountText(sums[1][i]) + ', ' + percent(share(i, 1)));
      lines.push('after: ' + amountText(sums[0][i]) + ', ' + percent(share(i, 0)));
      lines.push('change of its share: ' + changeText(i));
    } else {
      lines.push(amountText(sums[0][i]) + ', ' + percent(share(i, 0)) + ' of all');
      if (zoomed && i > zoomed && i < end[zoomed])
        lines.push(percent(part(sums[0][i], sums[0][zoomed])) + ' of what is zoomed');
      if (own[0][i] > 0 && end[i] > i + 1) lines.push('itself: ' + amountText(own[0][i]));
    }
    return lines;
  };

  // --- the page ------------------------------------------------------------------------------------------------------

  const element = (tag, properties = {}, ...children) => {
    const made = document.createElementNS('http://www.w3.org/1999/xhtml', tag);
    for (const [key, value] of Object.entries(properties))
      if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null) made.setAttribute(key, value === true ? '' : value);
    made.append(...children);
    return made;
  };
  const canvas = element('canvas', {'aria-hidden': 'true'});
  const spacer = element('div', {'aria-hidden': 'true'});
  const here = element('div', {role: 'treeitem', id: 'here', class: 'unseen'});
  const graph = element('div', {
    class: 'graph', tabindex: 0, role: 'tree', 'aria-label': 'Flame graph. Arrows move, Enter zooms, Escape zooms out.',
    'aria-activedescendant': 'here', 'aria-describedby': 'details'}, canvas, spacer, here);
  const search = element('input', {
    type: 'search', id: 'search', placeholder: 'Search (regular expression)', 'aria-label': 'Search frames',
    autocomplete: 'off', spellcheck: 'false', maxlength: 500});
  const matchedText = element('span', {class: 'matched', role: 'status', id: 'matched'});
  const outButton = element('button', {type: 'button', id: 'out', onclick: () => zoomOut()}, 'Zoom out');
  const resetButton = element('button', {type: 'button', id: 'reset', onclick: () => zoom(0)}, 'Reset');
  const icicleButton = element('button', {type: 'button', id: 'icicle', onclick: () => turn()}, 'Icicle');
  const hiddenText = element('span', {class: 'quiet', role: 'status', id: 'hidden'});
  const details = element('div', {class: 'details', id: 'details'});
  const tip = element('div', {class: 'tip', 'aria-hidden': 'true', hidden: true});
  const legend = element('ul', {class: 'legend', 'aria-label': 'Legend'});
  const pairs = [...data.facts, [data.difference ? 'After' : 'Total', amountText(total[0])]];
  if (data.difference) pairs.push(['Before', amountText(total[1])]);
  const header = element('header', {}, element('h1', {}, data.title),
    element('dl', {class: 'facts'},
      ...pairs.map(([key, value]) => element('div', {}, element('dt', {}, key + ':'), element('dd', {}, value)))));
  if (data.warnings.length)
    header.append(element('ul', {class: 'warnings', 'aria-label': 'Losses and limits'},
                          ...data.warnings.map((text) => element('li', {}, '⚠ ' + text))));
  const app = element('div', {class: 'app', lang: 'en'}, header,
    element('div', {class: 'tools', role: 'toolbar', 'aria-label': 'Tools'}, search, outButton, resetButton,
            icicleButton, matchedText, hiddenText),
    legend, graph, details, tip);

  if (inPicture) {
    const svg = 'http://www.w3.org/2000/svg';
    for (const child of [...root.children])
      if (child.localName === 'g') child.remove();
    root.removeAttribute('viewBox');
    root.setAttribute('width', '100%');
    root.setAttribute('height', '100%');
    const frame = document.createElementNS(svg, 'foreignObject');
    frame.setAttribute('width', '100%');
    frame.setAttribute('height', '100%');
    frame.append(app);
    root.append(frame);
  } else {
    document.body.append(app);
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  const coarse = matchMedia('(pointer: coarse)').matches;
  const rowHeight = coarse ? 26 : 19;
  const font = '12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';
  const brush = canvas.getContext('2d');
  let colours = {}, cell = 7;
  let icicle = data.icicle, zoomed = 0, current = 0, hovered = -1, past = [];
  let rows = [], hidden = 0, matched = null;

  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const mix = (a, b, t) => 'rgb(' + rgb(a).map((x, i) => Math.round(x + (rgb(b)[i] - x) * t)).join(',') + ')';
  const readColours = () => {
    const style = getComputedStyle(root);
    for (const name of ['back', 'front', 'user', 'kernel', 'inlined', 'jit', 'other', 'text', 'match', 'match-text',
                        'ring', 'less', 'same', 'more'])
      colours[name] = style.getPropertyValue('--' + name).trim();
    // Neighbours of one kind are told apart by a shade that depends on the name.
    colours.shades = kinds.map(({key}) => [0, 0.09, 0.18].map((t) => mix(colours[key], colours.back, t)));
    colours.changes = [...Array(21)].map(
        (_, i) => mix(colours.same, i < 10 ? colours.less : colours.more, Math.abs(i - 10) / 10));
    colours.marks = kinds.map(({key}) => mix(colours[key], colours.text, 0.55));
  };
  const shades = data.names.map((name) => {
    let hash = 0;
    for (let i = 0; i < name.length; ++i) hash = (hash * 31 + name.charCodeAt(i)) | 0;
    return ((hash % 3) + 3) % 3;
  });

  // What tells the kinds apart for those who do not see the colours.
  const drawMark = (to, kind, x, y, w, h) => {
    if (kind === 0 || w < 2) return;
    to.fillStyle = colours.marks[kind];
    if (kind === 1) {
      to.fillRect(x, y + h - 3, w, 3);
    } else if (kind === 4) {
      to.save();
      to.beginPath();
      to.rect(x, y, w, h);
      to.clip();
      to.strokeStyle = colours.marks[kind];
      to.globalAlpha *= 0.5;
      to.beginPath();
      for (let at = x - h; at < x + w; at += 7) {
        to.moveTo(at, y + h);
        to.lineTo(at + h, y);
      }
      to.stroke();
      to.restore();
    } else {
      const [dash, step] = kind === 3 ? [7, 11] : [2, 5];
      for (let at = x; at < x + w; at += step) to.fillRect(at, y + h - 3, Math.min(dash, x + w - at), 3);
    }
  };

  const width = () => graph.clientWidth;
  const scale = () => (weight[zoomed] > 0 ? width() / weight[zoomed] : 0);
  const within = (i) => i >= zoomed && i < end[zoomed];
  const box = (i) => (within(i) && i !== zoomed ?
      [(left[i] - left[zoomed]) * scale(), weight[i] * scale()] : [0, width()]);

  const layout = () => {
    rows = [];
    hidden = 0;
    for (let i = parent[zoomed]; i >= 0; i = parent[i]) rows[depth[i]] = [i];
    const scaled = scale();
    for (let i = zoomed; i < end[zoomed];) {
      if (!(weight[i] * scaled >= narrowest) && i !== zoomed) {
        hidden += end[i] - i;
        i = end[i];
      } else {
        (rows[depth[i]] ||= []).push(i++);
      }
    }
    if (rows[depth[current]] === undefined || !rows[depth[current]].includes(current)) current = zoomed;
    spacer.style.height = Math.max(0, rows.length * rowHeight - canvasHeight()) + 'px';
    hiddenText.textContent = hidden ? commas(hidden) + (hidden === 1 ? ' frame' : ' frames') +
        ' narrower than ' + narrowest + ' px not drawn' : '';
    outButton.disabled = resetButton.disabled = zoomed === 0;
  };
  const canvasHeight = () => graph.clientHeight;
  const contentHeight = () => Math.max(rows.length * rowHeight, canvasHeight());
  const rowTop = (d) => (icicle ? d * rowHeight : contentHeight() - (d + 1) * rowHeight);

  const labelOf = (i) => {
    const name = nameOf(i);
    if (!data.difference || !i) return name;
    const c = change(i);
    return (c > 0.05 ? '▲ ' : c < -0.05 ? '▼ ' : '') + name;
  };
  const fit = (text, room) => {
    const most = Math.floor(room / cell);
    if (most < 3) return '';
    if (text.length > most) text = text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '') + '…';
    while (text.length > 1 && brush.measureText(text).width > room + 1)
      text = text.slice(0, -2).replace(/[\ud800-\udbff]$/, '') + '…';
    return text.length > 1 ? text : '';
  };
  const fillOf = (i) => data.difference && i ? colours.changes[Math.round(10 + 10 * change(i))] :
      colours.shades[kindOf(i)][i ? shades[data.frames[3 * data.frame[i]]] : 2];

  const drawFrame = (i, y) => {
    const [x, whole] = box(i);
    const w = whole > 4 ? whole - 1 : whole > 1 ? whole * 0.85 : whole, h = rowHeight - 1;
    const hit = matched && i && matched[data.frame[i]];
    brush.globalAlpha = hit ? 1 : (within(i) ? 1 : 0.55) * (matched ? 0.45 : 1);
    brush.fillStyle = hit ? colours.match : fillOf(i);
    brush.fillRect(x, y, w, h);
    if (!hit && i) drawMark(brush, kindOf(i), x, y, w, h);
    if (whole < 24) return;
    brush.font = hit ? 'bold ' + font : font;
    brush.fillStyle = hit ? colours['match-text'] : colours.text;
    brush.globalAlpha = hit || !matched ? 1 : 0.75;
    const text = fit(labelOf(i), w - 7);
    if (text) brush.fillText(text, x + 4, y + h / 2 - (kindOf(i) === 0 ? 0 : 0.5));
  };
  const drawRing = (i, top, dash) => {
    const [x, w] = box(i);
    brush.globalAlpha = 1;
    brush.strokeStyle = colours.ring;
    brush.lineWidth = 2;
    brush.setLineDash(dash);
    brush.strokeRect(x + 1, rowTop(depth[i]) - top + 1, Math.max(w - 3, 1), rowHeight - 3);
    brush.setLineDash([]);
    brush.lineWidth = 1;
  };

  const draw = () => {
    const ratio = devicePixelRatio || 1, w = width(), h = canvasHeight();
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
      canvas.style.width = w + 'px';
      canvas.style.height = h + 'px';
    }
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    brush.globalAlpha = 1;
    brush.fillStyle = colours.back;
    brush.fillRect(0, 0, w, h);
    brush.textBaseline = 'middle';
    const top = graph.scrollTop;
    for (let d = 0; d < rows.length; ++d) {
      const y = rowTop(d) - top;
      if (y + rowHeight < 0 || y > h) continue;
      for (const i of rows[d]) drawFrame(i, y);
    }
    if (hovered >= 0) drawRing(hovered, top, []);
    if (document.activeElement === graph) drawRing(current, top, [5, 3]);
  };
  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };

  const drawLegend = () => {
    const marked = kinds.map(({text}, kind) => [kind, text]).filter(([kind]) => present.has(kind));
    const items = !data.difference ? marked :
        [['less', '▼ smaller share than before'], ['same', 'the same'], ['more', '▲ larger share'],
         ...marked.filter(([kind]) => kind > 0)];
    legend.replaceChildren(...items.map(([kind, text]) => {
      const swatch = element('canvas', {width: 52, height: 32, 'aria-hidden': 'true'}), to = swatch.getContext('2d');
      to.scale(2, 2);
      to.fillStyle = typeof kind !== 'number' ? colours[kind] :
          data.difference ? colours.same : colours.shades[kind][0];
      to.fillRect(0, 0, 26, 16);
      if (typeof kind === 'number') drawMark(to, kind, 0, 0, 26, 16);
      return element('li', {}, swatch, text);
    }), ...(data.difference ? [element('li', {class: 'quiet'}, 'width: mean of both shares')] : []),
    element('li', {class: 'quiet keys'}, 'Keys: arrows, Enter, Escape, / search, n next, i icicle'));
  };
  const present = new Set();
  for (let i = 1; i < n; ++i) present.add(kindOf(i));

  // --- what is said of a frame ---------------------------------------------------------------------------------------

  const describe = (to, i) => to.replaceChildren(
      element('b', {}, nameOf(i)), ...facts(i).map((line, at) => at || to === details ?
          element(to === tip ? 'div' : 'span', {}, (to === tip ? '' : ' · ') + line) : element('div', {}, line)));
  const tell = () => {
    describe(details, hovered >= 0 ? hovered : current);
    const siblings = rows[depth[current]];
    here.textContent = [nameOf(current), ...facts(current)].join(', ');
    here.setAttribute('aria-level', depth[current] + 1);
    here.setAttribute('aria-setsize', siblings.length);
    here.setAttribute('aria-posinset', siblings.indexOf(current) + 1);
    if (current + 1 < end[current]) here.setAttribute('aria-expanded', String(within(current)));
    else here.removeAttribute('aria-expanded');
  };
  const showCurrent = () => {
    const top = rowTop(depth[current]);
    if (top < graph.scrollTop) graph.scrollTop = top;
    else if (top + rowHeight > graph.scrollTop + canvasHeight()) graph.scrollTop = top + rowHeight - canvasHeight();
    tell();
    redraw();
  };
  const showStart = () => { graph.scrollTop = icicle ? 0 : contentHeight(); };

  // --- what one can do -----------------------------------------------------------------------------------------------

  const go = (i) => {
    zoomed = current = i;
    hovered = -1;
    tip.hidden = true;
    layout();
    countMatches();
    showCurrent();
  };
  const zoom = (i) => {
    if (!(weight[i] > 0)) return;
    if (i !== zoomed) past.push(zoomed);
    if (!i) past = [];
    go(i);
  };
  const zoomOut = () => {
    if (zoomed) go(past.length ? past.pop() : 0);
  };
  const turn = () => {
    icicle = !icicle;
    icicleButton.setAttribute('aria-pressed', String(icicle));
    showStart();
    redraw();
  };

  const pattern = (text) => {
    try {
      return new RegExp(text, /[A-Z]/.test(text) ? '' : 'i');
    } catch {
      return null;
    }
  };
  const find = () => {
    const text = search.value, wanted = text && pattern(text);
    const fits = wanted ? (name) => wanted.test(name) : (name) => name.includes(text);
    const names = text && data.names.map(fits);
    matched = text ? new Uint8Array(data.frames.length / 3) : null;
    if (matched)
      for (let f = 0; f < matched.length; ++f) matched[f] = names[data.frames[3 * f]] || names[data.frames[3 * f + 1]];
    countMatches(text && !wanted ? ' (as plain text: no regular expression)' : '');
    redraw();
  };
  // What lies above a match is part of it and counts once.
  const matches = (from, to, which) => {
    let sum = exact(0), frames = 0;
    for (let i = from; i < to;)
      if (i && matched[data.frame[i]]) {
        sum += sums[which][i];
        ++frames;
        i = end[i];
      } else {
        ++i;
      }
    return [sum, frames];
  };
  const countMatches = (remark = '') => {
    if (!matched) {
      matchedText.textContent = '';
      return;
    }
    const [now, frames] = matches(0, n, 0);
    let text = 'Matched: ' + amountText(now) + ', ' + percent(part(now, total[0]));
    if (data.difference) text += '; before: ' + percent(part(matches(0, n, 1)[0], total[1]));
    if (zoomed) {
      let above = parent[zoomed];
      while (above > 0 && !matched[data.frame[above]]) above = parent[above];
      const seen = above > 0 ? sums[0][zoomed] : matches(zoomed, end[zoomed], 0)[0];
      text += '; ' + percent(part(seen, sums[0][zoomed])) + ' of what is zoomed';
    }
    matchedText.textContent = frames ? text + remark : 'Matched: nothing' + remark;
  };
  const nextMatch = (step) => {
    if (!matched) return;
    const order = rows.flat().filter((i) => i && matched[data.frame[i]]).sort((a, b) => a - b);
    if (!order.length) return;
    const after = order.findIndex((i) => (step > 0 ? i > current : i >= current));
    const at = step > 0 ? (after < 0 ? 0 : after) : (after < 0 ? order.length : after) - 1;
    current = order[(at + order.length) % order.length];
    showCurrent();
  };

  const deeper = () => {
    let best = -1;
    for (const i of rows[depth[current] + 1] || [])
      if ((parent[i] === current) && (best < 0 || weight[i] > weight[best])) best = i;
    return best;
  };
  const beside = (step) => {
    const row = rows[depth[current]], at = row.indexOf(current) + step;
    return at >= 0 && at < row.length ? row[at] : -1;
  };
  const move = (i) => {
    if (i >= 0) current = i;
    hovered = -1;
    tip.hidden = true;
    showCurrent();
  };
  const keys = {
    ArrowUp: () => move(icicle ? parent[current] : deeper()),
    ArrowDown: () => move(icicle ? deeper() : parent[current]),
    ArrowLeft: () => move(beside(-1)),
    ArrowRight: () => move(beside(1)),
    Home: () => move(zoomed),
    Enter: () => zoom(current),
    ' ': () => zoom(current),
    Escape: () => zoomOut(),
    n: () => nextMatch(1),
    N: () => nextMatch(-1),
  };
  graph.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target === search) return;
    if (event.key === '/') {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === 'i') {
      turn();
    } else if (event.key === 'Escape') {
      zoomOut();
    }
  });
  let typing = 0;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(find, 120);
  });
  search.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    event.preventDefault();
    clearTimeout(typing);
    if (event.key === 'Escape') search.value = '';
    find();
    graph.focus();
    if (event.key === 'Enter') nextMatch(1);
  });

  const frameAt = (event) => {
    const area = graph.getBoundingClientRect();
    const x = event.clientX - area.left - graph.clientLeft;
    const y = event.clientY - area.top - graph.clientTop + graph.scrollTop;
    const d = icicle ? Math.floor(y / rowHeight) : Math.floor((contentHeight() - y) / rowHeight);
    const row = rows[d] || [];
    let low = 0, high = row.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (box(row[middle])[0] <= x) low = middle + 1;
      else high = middle;
    }
    if (!low) return -1;
    const [start, w] = box(row[low - 1]);
    return x < start + w ? row[low - 1] : -1;
  };
  const point = (event) => {
    hovered = frameAt(event);
    tip.hidden = hovered < 0 || event.pointerType !== 'mouse';
    if (!tip.hidden) {
      describe(tip, hovered);
      const beyond = event.clientX + 14 + tip.offsetWidth > innerWidth - 8;
      tip.style.left = Math.max(8, beyond ? event.clientX - 10 - tip.offsetWidth : event.clientX + 14) + 'px';
      const under = event.clientY + 16 + tip.offsetHeight < innerHeight - 8;
      tip.style.top = Math.max(8, under ? event.clientY + 16 : event.clientY - 12 - tip.offsetHeight) + 'px';
    }
    describe(details, hovered >= 0 ? hovered : current);
    redraw();
  };
  const leave = () => {
    hovered = -1;
    tip.hidden = true;
    tell();
    redraw();
  };
  graph.addEventListener('pointermove', point);
  graph.addEventListener('pointerleave', leave);
  graph.addEventListener('click', (event) => {
    const i = frameAt(event);
    if (i >= 0) zoom(i);
  });
  graph.addEventListener('scroll', () => {
    below = contentHeight() - canvasHeight() - graph.scrollTop;
    redraw();
  });
  graph.addEventListener('focus', redraw);
  graph.addEventListener('blur', redraw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    readColours();
    drawLegend();
    redraw();
  });

  readColours();
  brush.font = font;
  cell = brush.measureText('M').width;
  icicleButton.setAttribute('aria-pressed', String(icicle));
  drawLegend();
  let first = true, below = 0;  // px that are scrolled out there: a flame stands on the lower edge
  new ResizeObserver(() => {
    layout();
    if (first) showStart();
    else if (!icicle) graph.scrollTop = contentHeight() - canvasHeight() - below;
    first = false;
    tell();
    draw();
    root.setAttribute('data-drawn', 'yes');
  }).observe(graph);
})();
