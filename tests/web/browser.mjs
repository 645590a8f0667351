// tests/web/browser.mjs -- a small vocabulary over playwright-core and the Chromium that is installed.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// A browser with a profile of its own, thrown away at the end. Whatever the pages complain about is in `complaints`.
export async function openBrowser({ width = 1360, height = 850 } = {}) {
  const { chromium } = await import('playwright-core');
  const profile = mkdtempSync(join(tmpdir(), 'plantree-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath, headless: true, viewport: { width, height }, args: FLAGS, reducedMotion: 'reduce',
  });
  const complaints = [];
  context.on('weberror', (error) => complaints.push(String(error.error())));
  // A refused write is an answer, though Chromium writes every 4xx to its console.
  context.on('console', (message) => { if (message.type() === 'error' && !/api\/v1\/writes/.test(message.location().url)) complaints.push(`${message.text()} ${message.location().url}`); });
  return {
    context, complaints,
    page: context.pages()[0] ?? await context.newPage(),
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

// Wait for a condition with a deadline; what it returned last is in the message when it never came true.
export async function until(what, seconds, condition) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what} (last: ${JSON.stringify(last)})`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export function check(condition, what) {
  if (!condition) throw new Error(`not true: ${what}`);
}
