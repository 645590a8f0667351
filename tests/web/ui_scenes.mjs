// tests/web/ui_scenes.mjs -- what a person does with the UI, done in a real browser against the real programs.
//
// Started by ui_test.py, which runs the programs: a line "@kill edge" or "@start host" on our output asks it to do that,
// and it answers with a line on our input. PLANTREE_URL is the host, PLANTREE_PREFIX the path of the node.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { check, openBrowser, until } from './browser.mjs';

const url = process.env.PLANTREE_URL, prefix = process.env.PLANTREE_PREFIX;
const shots = process.env.PLANTREE_SHOTS; // a folder for pictures; none by default
const FIRST_LOAD_MAX = 60 * 1024;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(command) {
  console.log(`@${command}`);
  const { value } = await answers.next();
  check(value === 'ok', `the rig did: ${command} (${value})`);
}

const browser = await openBrowser();
const { page, complaints, context } = browser;
const text = (selector) => page.locator(selector).first().innerText();
const row = (path) => page.locator(`[data-path="${prefix}/${path}"]`);
const get = async (path) => (await fetch(`${url}/api/v1/${path}`)).json();
const picture = (name) => shots && page.screenshot({ path: `${shots}/${name}.png` });
const sizes = new Map(); // address -> bytes of the body as it came over the wire

async function scene(name, play) {
  const start = Date.now();
  try {
    await play();
  } catch (error) {
    await picture(`failed-${name.replaceAll(/\W+/g, '-')}`);
    console.log(`FAIL ${name}: ${error.message}`);
    console.log(await page.evaluate(() => document.body.innerText).catch(() => 'no page'));
    throw error;
  }
  console.log(`ok ${name} (${Date.now() - start} ms)`);
}

async function play() {
  page.on('response', (answer) => sizes.set(answer.url(), Number(answer.headers()['content-length'] ?? 0)));

  await scene('the page comes fast, small and within its policy', async () => {
    const answer = await page.goto(`${url}/`);
    check(/default-src 'none'/.test(answer.headers()['content-security-policy']), 'the page has a policy');
    await page.waitForSelector('.fleet');
    const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
    console.log(`   first paint after ${painted} ms`); // told, not judged: it is the machine's too
    await until('all files are here', 10, () => sizes.size > 15);
    const files = [...sizes].filter(([address]) => !address.includes('/api/'));
    const sum = files.reduce((total, [, bytes]) => total + bytes, 0);
    check(sum > 10000 && sum < FIRST_LOAD_MAX, `${files.length} files are ${sum} bytes`);
    check(!files.some(([address]) => !address.startsWith(url)), 'nothing comes from elsewhere');
  });

  await scene('the node appears online and the stream is live', async () => {
    await until('one node online', 30, async () => (await text('#nodes-online')) === '1');
    check((await text('#nodes-offline')) === '0', 'none offline');
    await until('stream open', 10, () => page.locator('[data-stream="open"]').count());
  });

  await scene('the tree opens level by level and its values live', async () => {
    const parts = `${prefix}/Level`.split('/');
    for (let i = 1; i <= parts.length; i++) {
      const item = page.locator(`[data-path="${parts.slice(0, i).join('/')}"]`);
      await item.waitFor();
      if (await item.getAttribute('aria-expanded') === 'false') await item.locator('.twisty').click();
      check(await item.getAttribute('aria-level') === String(i), `level ${i}`);
      await until(`${parts.slice(0, i).join('/')} is open`, 5, async () => (await item.getAttribute('aria-expanded')) === 'true');
    }
    await row('Level/PV').waitFor();
    const first = await until('a value', 10, async () => /^[\d.]+$/.test(await row('Level/PV').locator('.text').innerText()) && row('Level/PV').locator('.text').innerText());
    await until('it changes', 30, async () => (await row('Level/PV').locator('.text').innerText()) !== first);
  });

  await scene('a click on a tag draws its trend, which grows', async () => {
    await row('Level/PV').click();
    await page.waitForSelector('.u-over');
    const points = async () => Number(await page.locator('.plot .canvas').getAttribute('data-points'));
    const first = await until('points', 20, async () => (await points()) >= 3 && points());
    await until('more points', 30, async () => (await points()) > first);
    const inked = await page.evaluate(() => {
      const canvas = document.querySelector('.plot canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let blue = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && data[i + 2] > 140 && data[i] < 80) blue++;
      return blue;
    });
    check(inked > 20, `the line is on the canvas (${inked} pixels)`);
    check(/Level\/PV$/.test(decodeURIComponent(new URL(page.url()).hash)), 'the address names the tag');
    check(/samples/.test(await text('.summary')), 'the summary counts samples');
    await picture('trend');
  });

  await scene('dragging zooms, Back is the view before, ranges and table work', async () => {
    const plot = await page.locator('.u-over').boundingBox();
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 50);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.9, plot.y + 60, { steps: 5 });
    await page.mouse.up();
    await until('a fixed range in the address', 5, () => /from=\d+&to=\d+/.test(page.url()));
    await page.goBack();
    await until('live again', 5, () => !/from=/.test(page.url()));
    await page.getByRole('button', { name: 'zoom in' }).click();
    await until('half of it, and live', 5, () => /range=450s/.test(page.url()));
    await page.getByRole('button', { name: '8 h', exact: true }).click();
    await until('the range is in the address', 5, () => /range=8h/.test(page.url()));
    await until('it is loaded', 10, async () => (await page.locator('.summary').getAttribute('data-loaded')) === 'true');
    await page.getByRole('button', { name: 'Table' }).click();
    await until('rows', 5, async () => (await page.locator('.samples tbody tr').count()) > 2);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('button', { name: '15 min' }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
    const csv = readFileSync(await download.path(), 'utf8');
    check(/^time,path,value,quality\n\d{4}-.*,GOOD\n/.test(csv), `the file is CSV: ${csv.slice(0, 100)}`);
  });

  await scene('a pinned tag stays in the trend when another is picked', async () => {
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    await row('Level/SP').click();
    await until('two plots', 10, async () => (await page.locator('.u-over').count()) === 2);
    check((await text('.lane-name')).includes('Level/PV'), 'the second lane is the pinned tag');
    await until('both are loaded', 10, async () => (await page.locator('.summary[data-loaded=true]').count()) === 2);
    await picture('pinned');
    await page.getByRole('button', { name: 'Unpin' }).click();
    await until('one plot', 5, async () => (await page.locator('.u-over').count()) === 1);
  });

  await scene('a text tag shows its values as a table', async () => {
    await page.goto(`${url}/#/browse/${prefix}/Batch/Id`);
    await until('a text', 10, async () => (await text('#now-value')).trim().length > 1);
    await until('a table', 10, () => page.locator('.samples').count());
  });

  await scene('a write asks for a reason, is reviewed, and ends confirmed', async () => {
    await page.goto(`${url}/#/browse/${prefix}/Level/SP`);
    const target = (await get(`values?paths=${encodeURIComponent(`${prefix}/Level/SP`)}`))[0].value < 2 ? '3.5' : '1.25';
    await page.getByRole('button', { name: 'Write\u2026' }).click();
    await page.locator('dialog input[name=value]').fill('much');
    await page.getByRole('button', { name: 'Review' }).click();
    check(/must be a number/.test(await text('dialog [role=alert]')), 'text is no number');
    await page.locator('dialog input[name=value]').fill(target);
    await page.getByRole('button', { name: 'Review' }).click();
    check(/reason/.test(await text('dialog [role=alert]')), 'a reason is needed');
    await page.locator('dialog input[name=reason]').fill('browser test');
    await page.getByRole('button', { name: 'Review' }).click();
    check((await text('dialog .change')).includes(target), 'the review names the value');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.waitForSelector('[data-state]', { timeout: 20000 });
    await picture('written');
    check(await page.locator('[data-state]').getAttribute('data-state') === 'confirmed', `the outcome is ${await text('dialog .outcome')}`);
    await page.getByRole('button', { name: 'Close' }).click();
    await until('the page shows it', 10, async () => (await text('#now-value')).startsWith(target));
    check(Number((await get(`values?paths=${encodeURIComponent(`${prefix}/Level/SP`)}`))[0].value) === Number(target), 'the host reports it');
  });

  await scene('what the node calls read-only cannot be written', async () => {
    await page.goto(`${url}/#/browse/${prefix}/Level/PV`);
    await until('read-only', 10, async () => /read-only/.test(await text('.now .facts')));
    check(await page.getByRole('button', { name: 'Write\u2026' }).isDisabled(), 'the button is off');
    await page.keyboard.press('w');
    check((await page.locator('dialog').count()) === 0, 'so is the key');
  });

  await scene('search finds a tag by keys alone', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('level sp');
    await until('found', 10, async () => /found/.test(await text('.pane.left .bar')));
    await page.keyboard.press('Enter');
    await until('shown', 5, async () => /Level\/SP$/.test(decodeURIComponent(new URL(page.url()).hash)));
    await page.locator('#search').fill('');
    await page.locator('#search').press('Escape');
    await until('the tree is back at the tag', 5, async () => !/found/.test(await text('.pane.left .bar')) && (await row('Level/SP').getAttribute('aria-selected')) === 'true');
    await row('Level/SP').focus();
    await page.keyboard.press('ArrowUp');
    await until('the focus is on the row above', 5, () => page.evaluate((path) => document.activeElement?.dataset.path === path, `${prefix}/Level/PV`));
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await until('Left closes the folder', 5, async () => (await row('Level').getAttribute('aria-expanded')) === 'false');
    await page.keyboard.press('ArrowRight');
    await until('Right opens it', 5, async () => (await row('Level').getAttribute('aria-expanded')) === 'true');
  });

  await scene('a rebirth can be asked for and is counted with its cause', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await page.waitForSelector('table.nodes tbody tr');
    await page.getByRole('button', { name: 'Rebirth\u2026' }).click();
    await page.getByRole('button', { name: 'Request rebirth' }).click();
    await until('it was sent', 10, async () => /Rebirth requested/.test(await text('.notice')));
    await until('the table names the cause', 15, async () => /operator/.test(await text('table.nodes')));
    await page.locator('table.nodes tbody button[aria-expanded]').first().click();
    await until('the accounts are open', 5, async () => /received =/.test(await text('.node-detail')));
    check(!/not accounted for/.test(await text('.node-detail')), `the accounts close: ${await text('.node-detail')}`);
    await picture('nodes');
  });

  await scene('two tabs share what one stream brings', async () => {
    const second = await context.newPage();
    await second.goto(`${url}/#/browse/${prefix}/Level/PV`);
    await second.waitForSelector('#now-value .text');
    await until('it is live', 10, () => second.locator('[data-stream="open"]').count());
    const first = await second.locator('#now-value .text').innerText();
    await until('its value changes', 30, async () => (await second.locator('#now-value .text').innerText()) !== first);
    await second.close();
  });

  await scene('a browser without SharedWorker has a stream of its own', async () => {
    const alone = await context.newPage();
    await alone.addInitScript(() => { delete globalThis.SharedWorker; });
    await alone.goto(`${url}/#/browse/${prefix}/Level/PV`);
    await until('it is live', 15, () => alone.locator('[data-stream="open"]').count());
    const first = await until('a value', 10, async () => (await alone.locator('#now-value .text').count()) && alone.locator('#now-value .text').innerText());
    await until('its value changes', 30, async () => (await alone.locator('#now-value .text').innerText()) !== first);
    await alone.close();
  });

  await scene('no screen has a serious accessibility fault', async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    for (const screen of ['', '#/nodes', '#/timeline', '#/events', `#/browse/${prefix}/Level/PV`]) {
      await page.goto('about:blank');
      await page.goto(`${url}/${screen}`);
      await page.waitForSelector('main *');
      await until('the page is filled', 10, async () => !/Asking the host/.test(await text('main')));
      await page.evaluate(axe);
      const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }));
      const faults = result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(' ')}`);
      check(!faults.length, `no faults on '${screen}': ${faults.join(' | ')}`);
    }
  });

  await scene('a killed node is shown offline and its values stale', async () => {
    await page.goto(`${url}/#/browse/${prefix}/Level/PV`);
    await page.waitForSelector('#now-value .text');
    await ask('kill edge');
    await until('offline in the header', 60, async () => (await text('#nodes-offline')).trim() === '1');
    await until('the value is stale', 10, async () => /Stale/.test(await text('.now .facts')));
    await until('so is its row', 10, async () => (await row('Level/PV').locator('.value.stale').count()) === 1);
    await until('the trend has a gap at its end', 10, async () => /[1-9]\d* gap/.test(await text('.summary')));
    await picture('stale');
    await page.goto(`${url}/#/browse/${prefix}/Level/SP`);
    await until('the tag is here', 10, async () => /Stale/.test(await text('.now .facts')));
    await page.keyboard.press('w');
    await page.locator('dialog input[name=value]').fill('1');
    await page.locator('dialog input[name=reason]').fill('browser test');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.waitForSelector('[data-state]', { timeout: 20000 });
    check(await page.locator('[data-state]').getAttribute('data-state') === 'refused', `a write is refused: ${await text('dialog .outcome')}`);
    await page.keyboard.press('Escape');
    await until('the dialog is gone', 5, async () => (await page.locator('dialog').count()) === 0);
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await until('offline in the table', 10, async () => /Offline/.test(await text('table.nodes tbody tr')));
    check(await page.getByRole('button', { name: 'Rebirth\u2026' }).isDisabled(), 'an offline node cannot be asked');
  });

  await scene('it comes back by itself', async () => {
    await ask('start edge');
    await until('online in the table', 60, async () => /Online/.test(await text('table.nodes tbody tr')));
    await page.goto(`${url}/#/browse/${prefix}/Level/PV`);
    await until('good again', 20, async () => /Good/.test(await text('.now .facts')));
  });

  await scene('the events tell the story', async () => {
    await page.goto(`${url}/#/events`);
    for (const type of ['nbirth', 'ndeath', 'write', 'rebirth-request']) {
      await until(`${type} is listed`, 20, () => page.locator(`tr[data-type="${type}"]`).count());
    }
    await page.locator('main select').selectOption('ndeath');
    await until('only deaths', 5, async () => (await page.locator('tbody tr').count()) === (await page.locator('tr[data-type="ndeath"]').count()));
    await picture('events');
  });

  await scene('the timeline shows when the node was down', async () => {
    const node = prefix.split('/').slice(0, 2).join('/');
    await page.goto(`${url}/#/timeline?last=1h`);
    const line = page.locator(`[data-row="${node}"]`);
    await until('it was offline and is online', 10, async () => (await line.locator('.bar-offline').count()) >= 1 && /online: [^;]*$/.test(await line.locator('.bars').getAttribute('aria-label')));
    await line.locator('.tick').first().click();
    check((await text('.picked')).includes(node), 'a mark tells what happened');
    await picture('timeline');
  });

  check(!complaints.length, `the browser has nothing to complain about: ${complaints.join(' | ')}`);

  await scene('a host that dies is told with the age of the values, and found again', async () => {
    await page.goto(`${url}/#/browse/${prefix}/Level/PV`);
    await page.waitForSelector('#now-value .text');
    await ask('kill host');
    await until('the banner stands', 20, async () => /connection to the host is lost/.test(await text('.banner')));
    await until('the header says so', 10, async () => /not live/.test(await text('[data-stream]')));
    await picture('lost');
    await ask('start host');
    await until('live again', 60, () => page.locator('[data-stream="open"]').count());
    await until('the banner is gone', 10, async () => !(await page.locator('.banner').count()) || /not ready/.test(await text('.banner')));
    const first = await text('#now-value .text');
    await until('values move again', 60, async () => (await text('#now-value .text')) !== first && /Good/.test(await text('.now .facts')));
  });
}

let failed = false;
try {
  await play();
} catch (error) {
  console.log(`FAIL ${error.message}`);
  failed = true;
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
