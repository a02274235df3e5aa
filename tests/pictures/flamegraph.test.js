// SPDX-License-Identifier: GPL-2.0-or-later
// Flame graphs in a browser: what a person can see and do. Run by `./dev test pictures`, which says where the browser's
// driver is (PLAYWRIGHT), the browser (CHROMIUM) and the binary (SONDE).
'use strict';
const {after, before, test} = require('node:test');
const assert = require('node:assert');
const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {chromium} = require(process.env.PLAYWRIGHT);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sonde-pictures-'));
let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
           '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run']});
});
after(async () => {
  await browser?.close();
  fs.rmSync(folder, {recursive: true});
});

const write = (name, text) => {
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};
const draw = (name, ...words) => {
  const file = path.join(folder, name);
  execFileSync(process.env.SONDE, ['flamegraph', ...words, '-o', file, '-q']);
  return file;
};

// Opens a file; whatever it asks for beside itself, and whatever its script stumbles over, is remembered.
const open = async (file, choice = {}) => {
  const context = await browser.newContext({viewport: {width: 1200, height: 700}, ...choice});
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => page.faults.push(message.text()));
  page.on('dialog', (dialog) => { page.faults.push('dialog'); dialog.dismiss(); });
  page.on('request', (request) => {
    if (request.url() !== 'file://' + file) page.faults.push(request.url());
  });
  await page.goto('file://' + file);
  if (choice.javaScriptEnabled !== false) await page.waitForSelector('[data-drawn]');
  return page;
};
const close = async (page) => {
  assert.deepStrictEqual(page.faults, []);
  await page.context().close();
};
const here = (page) => page.textContent('#here');
const matched = async (page, text) => {
  const old = await page.textContent('#matched');
  await page.fill('#search', text);
  await page.waitForFunction((old) => document.getElementById('matched').textContent !== old, old);
  return page.textContent('#matched');
};
// Where a frame is: its level from the root, and its middle as a part of the width.
const place = (page, level, part) => page.evaluate(([level, part]) => {
  const area = document.querySelector('.graph'), box = area.getBoundingClientRect();
  return [box.left + part * area.clientWidth, box.top + area.clientTop + area.clientHeight - 19 * (level + 0.5)];
}, [level, part]);

const stacks = write('stacks.folded', [
  'bash;main;read_[i];vfs_read_[k] 300', 'bash;main;[gap];work (/usr/lib/libx.so) 100', 'bash;main 200',
  'java;run_[j];work (/usr/lib/libx.so) 1400', ''].join('\n'));

for (const end of ['html', 'svg']) {
  test(`${end}: totals, tooltips, zoom by click and back`, async () => {
    const page = await open(draw('a.' + end, stacks, '--title', 'Two programs'));
    assert.match(await page.textContent('h1'), /^Two programs$/);
    assert.match(await page.textContent('.facts'), /Total:2,000 samples/);
    assert.match(await here(page), /^all, 2,000 samples, 100.00 % of all/);
    assert.strictEqual(await page.isDisabled('#out'), true);

    // bash is the left three tenths, [gap] the first sixth of it.
    await page.mouse.move(...await place(page, 4, 0.02));
    assert.match(await page.textContent('.tip'), /^work.*user, in \/usr\/lib\/libx\.so.*100 samples, 5\.00 % of all/);
    assert.strictEqual(await page.isVisible('.tip'), true);
    await page.mouse.click(...await place(page, 1, 0.1));
    assert.match(await here(page), /^bash, user, 600 samples, 30\.00 % of all/);
    assert.strictEqual(await page.isDisabled('#out'), false);
    await page.mouse.move(...await place(page, 3, 0.4));  // read is from 1/6 to 4/6 now
    assert.match(await page.textContent('.tip'), /^read.*inlined.*300 samples, 15\.00 % of all/);
    assert.match(await page.textContent('.tip'), /50\.00 % of what is zoomed/);
    await page.mouse.click(...await place(page, 0, 0.5));
    assert.match(await here(page), /^all/);

    await page.mouse.click(...await place(page, 1, 0.1));
    await page.mouse.click(...await place(page, 3, 0.4));
    assert.match(await here(page), /^read/);
    await page.click('#out');
    assert.match(await here(page), /^bash/);
    await page.click('#reset');
    assert.match(await here(page), /^all/);
    await close(page);
  });

  test(`${end}: search`, async () => {
    const page = await open(draw('b.' + end, stacks));
    assert.match(await matched(page, 'work'), /^Matched: 1,500 samples, 75\.00 %$/);
    assert.match(await matched(page, '^(read|vfs_.*)$'), /^Matched: 300 samples, 15\.00 %$/);
    assert.match(await matched(page, 'libx'), /^Matched: 1,500 samples/);
    assert.match(await matched(page, 'main('), /^Matched: nothing \(as plain text/);
    assert.match(await matched(page, 'BASH'), /^Matched: nothing$/);
    assert.match(await matched(page, 'main'), /^Matched: 600 samples, 30\.00 %$/);
    await page.mouse.click(...await place(page, 1, 0.1));
    assert.match(await page.textContent('#matched'), /30\.00 %; 100\.00 % of what is zoomed$/);
    await page.fill('#search', '');
    await page.waitForFunction(() => document.getElementById('matched').textContent === '');
    await close(page);
  });

  test(`${end}: keyboard`, async () => {
    const page = await open(draw('c.' + end, stacks));
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
      return here(page);
    };
    await page.keyboard.press('Tab');
    assert.strictEqual(await page.evaluate(() => document.activeElement.id), 'search');
    for (let i = 0; i < 5 && !await page.evaluate(() => document.activeElement.className === 'graph'); ++i)
      await page.keyboard.press('Tab');
    assert.strictEqual(await page.evaluate(() => document.activeElement.className), 'graph');
    assert.notStrictEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');

    assert.match(await press('ArrowUp'), /^java/);  // the widest
    assert.match(await press('ArrowLeft'), /^bash/);
    assert.match(await press('ArrowLeft'), /^bash/);
    assert.match(await press('ArrowUp', 'ArrowUp'), /^read, inlined/);
    assert.match(await press('ArrowLeft'), /^\[gap\], no function/);
    assert.match(await press('Enter'), /^\[gap\]/);
    assert.match(await press('ArrowDown', 'ArrowDown'), /^bash/);
    assert.match(await press('Escape'), /^all/);
    assert.match(await press('i', 'ArrowDown'), /^java/);
    assert.strictEqual(await page.getAttribute('#icicle', 'aria-pressed'), 'true');

    await press('/');
    assert.strictEqual(await page.evaluate(() => document.activeElement.id), 'search');
    await page.keyboard.type('work');
    assert.match(await press('Enter'), /^work/);
    assert.match(await page.textContent('#matched'), /^Matched: 1,500/);
    const first = await here(page);
    assert.notStrictEqual(await press('n'), first);
    assert.strictEqual(await press('N'), first);
    assert.deepStrictEqual(
        await page.evaluate(() => {
          const graph = document.querySelector('.graph');
          const item = document.getElementById(graph.getAttribute('aria-activedescendant'));
          return [graph.getAttribute('role'), item.getAttribute('role'), graph.contains(item)];
        }), ['tree', 'treeitem', true]);
    await close(page);
  });

  test(`${end}: names are text and nothing else`, async () => {
    const names = ['</script><img src=x onerror=alert(1)>', ']]><script>alert(2)</script>', '"\'`${alert(3)}`', '<!--',
                   '\x1b[2J\x00\x07', 'javascript:alert(4)', '&lt&#60',
                   '\u202egnp.exe', '\ufffe\uffff', 'App\\Model'];
    const bytes = [Buffer.from(names.join(';') + ';'), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from(' 7\n')];
    const page = await open(draw('d.' + end, write('hostile.folded', Buffer.concat(bytes)),
                                 '--title', names[0]));
    assert.strictEqual(await page.locator('img').count(), 0);
    assert.strictEqual(await page.textContent('h1'), names[0]);
    assert.match(await matched(page, 'onerror=alert\\(1\\)>$'), /^Matched: 7 samples, 100.00 %/);
    const seen = [];
    await page.focus('.graph');
    for (let i = 0; i <= names.length; ++i) {
      await page.keyboard.press('ArrowUp');
      seen.push((await here(page)).replace(/, user, 7 samples.*$/, ''));
    }
    assert.deepStrictEqual(seen, [
      ...names.slice(0, 4), '\\x1b[2J\\x00\\x07', names[5], names[6], '\\u{202e}gnp.exe', '\ufffd\ufffd',
      'App\\Model', '\\xff\\xc3(']);
    // Nor would a script run that had got in.
    if (end === 'html') {
      await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
      });
      assert.strictEqual(await page.evaluate(() => window.ran), undefined);
      page.faults = page.faults.filter((text) => !text.includes('Content Security Policy'));
    }
    await close(page);
  });

  test(`${end}: amounts beyond what a double holds`, async () => {
    const page = await open(draw('e.' + end, write('big.folded', 'a;b 9007199254740993\na;c 2\nd 18000000000000000000\n')));
    assert.match(await page.textContent('.facts'), /Total:18,009,007,199,254,740,995 samples/);
    assert.match(await matched(page, '^[bc]$'), /^Matched: 9,007,199,254,740,995 samples, 0\.05 %/);
    await close(page);
  });

  test(`${end}: a hundred thousand stacks`, async () => {
    let text = '';
    for (let i = 0; i < 100000; ++i)
      text += `main;f${i % 10};g${i % 1000};h${i};leaf${i}_[k] ${1 + (i === 77 ? 100000 : 0)}\n`;
    const page = await open(draw('f.' + end, write('many.folded', text)));
    assert.match(await page.textContent('.facts'), /Total:200,000 samples/);
    const [, count] = /^([\d,]+) frames narrower than 0\.3 px not drawn$/.exec(await page.textContent('#hidden'));
    assert.strictEqual(count, '199,998');  // h and leaf of all but one
    await matched(page, '^h4$');
    assert.match(await page.textContent('#matched'), /^Matched: 1 sample, <0.01 %/);
    await close(page);
  });
}

test('times', async () => {
  const page = await open(draw('l.html', '--unit', 'ns', write('times.folded', 'a 999700000\nb 1500\nc 7\n')));
  assert.match(await page.textContent('.facts'), /Total:1000 ms \(999,701,507 ns\)/);
  assert.match(await matched(page, '^a$'), /^Matched: 1000 ms \(999,700,000 ns\)/);
  assert.match(await matched(page, '^b$'), /^Matched: 1\.5 µs \(1,500 ns\)/);
  assert.match(await matched(page, '^c$'), /^Matched: 7 ns \(7 ns\)/);
  await close(page);
});

// A profiler that saw nothing: such a page is made here from another.
test('nothing to draw', async () => {
  const page = await open(write('empty.html', fs.readFileSync(draw('k.html', write('one.folded', 'a 5\n')), 'utf8')
    .replace(/"total":.*?]}/, '"total":["0"],"own":["0"],"depth":[0],"frame":[0]}')));
  assert.match(await here(page), /^all, 0 samples/);
  await page.focus('.graph');
  for (const key of ['ArrowUp', 'ArrowRight', 'Enter', 'Escape']) await page.keyboard.press(key);
  assert.match(await here(page), /^all, 0 samples/);
  await close(page);
});

test('a picture needs no script', async () => {
  const page = await open(draw('g.svg', stacks), {javaScriptEnabled: false});
  const svg = fs.readFileSync(path.join(folder, 'g.svg'), 'utf8');
  assert.match(svg, /<title>vfs_read, kernel: 300 samples, 15 %<\/title>/);
  assert.strictEqual(await page.locator('g > g > rect').count(), 10);
  assert.strictEqual(await page.locator('g > g > rect').first().isVisible(), true);
  await close(page);
});

test('a difference', async () => {
  const later = write('later.folded', 'bash;main 100\nnew;g 100\n');
  const page = await open(draw('h.html', '--diff', stacks, later));
  await page.focus('.graph');
  await page.keyboard.press('ArrowUp');  // bash has three tenths, then a half
  assert.match(await here(page), /^bash, user, before: 600 samples, 30\.00 %, after: 100 samples, 50\.00 %/);
  assert.match(await here(page), /change of its share: \+20\.00 points$/);
  await page.keyboard.press('ArrowRight');  // what is gone is seen all the same
  assert.match(await here(page), /^java, user, before: 1,400 samples, 70\.00 %, after: 0 samples, 0\.00 %/);
  assert.match(await here(page), /change of its share: −70\.00 points$/);
  assert.match(await page.textContent('.legend'), /smaller share.*larger share/);
  await close(page);
});

test('reversed, and as an icicle', async () => {
  const page = await open(draw('i.html', '--reverse', '--icicle', stacks));
  assert.strictEqual(await page.getAttribute('#icicle', 'aria-pressed'), 'true');
  await page.focus('.graph');
  await page.keyboard.press('ArrowDown');
  assert.match(await here(page), /^work, user, in \/usr\/lib\/libx\.so, 1,500 samples, 75\.00 %/);
  await close(page);
});

for (const colorScheme of ['light', 'dark'])
  test(`fits a phone, ${colorScheme}`, async () => {
    const page = await open(draw('j.html', stacks, '--title', 'x'.repeat(200)),
                            {viewport: {width: 360, height: 640}, isMobile: true, hasTouch: true, colorScheme});
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360));
    assert.ok(await page.evaluate(() => document.querySelector('.graph').clientHeight > 150));
    const back = await page.evaluate(() => getComputedStyle(document.querySelector('.app')).backgroundColor);
    assert.strictEqual(back === 'rgb(255, 255, 255)', colorScheme === 'light');
    const box = await page.locator('.graph').boundingBox();
    await page.touchscreen.tap(box.x + 200, box.y + box.height - 40);
    assert.match(await page.textContent('#details'), /^java.*1,400 samples/);
    assert.strictEqual(await page.isVisible('.tip'), false);
    await close(page);
  });
