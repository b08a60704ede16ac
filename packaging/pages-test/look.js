// look.js ADDRESS PATHS.json OUT: asks for every page in three languages, light and
// dark, on a desk and on a phone, with Debian's Chromium. Prints a line for each
// fault: something on the console, a page wider than its window, what axe-core finds.
// Pictures go to OUT, when it is given. Ends with 1 where there was a fault.
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;
const fs = require("fs");
const path = require("path");

const [address, list, out] = process.argv.slice(2);
const paths = JSON.parse(fs.readFileSync(list, "utf8"));
const languages = ["fi", "sv", "en"];
const sizes = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

const faults = [];
let looks = 0;

async function look(context, name, lang) {
  const page = await context.newPage();
  const fault = (text) => faults.push(`${name} ${lang}: ${text}`);
  const missing = name === "/nothing"; // it is meant to be
  page.on("console", (m) => { if (!missing && (m.type() === "error" || m.type() === "warning")) fault(`console: ${m.text()}`); });
  page.on("pageerror", (e) => fault(`script: ${e.message}`));
  const answer = await page.goto(address + name);
  if (answer.ok() === missing) fault(`answered ${answer.status()}`);
  for (const [size, box] of Object.entries(sizes)) {
    await page.setViewportSize(box);
    for (const colorScheme of ["light", "dark"]) {
      looks++;
      const at = `${size} ${colorScheme}`;
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) fault(`${at}: ${wide} px too wide`);
      // Colours and what hides on a phone are the same in every language.
      if (lang === "fi" || at === "desk light") {
        const found = await page.evaluate((rules) => axe.run(document, rules), rules);
        for (const v of found.violations) fault(`${at}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target + " " + n.html.slice(0, 120)).join("; ")}`);
      }
      if (out && lang === "fi") {
        const file = `${name === "/" ? "today" : name.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "")}-${size}-${colorScheme}.png`;
        await page.screenshot({ path: path.join(out, file), fullPage: true });
      }
    }
  }
  await page.close();
}

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const work = paths.flatMap((name) => languages.map((lang) => [name, lang]));
  await Promise.all([0, 1, 2].map(async () => {
    const contexts = {};
    for (let next = work.shift(); next; next = work.shift()) {
      const [name, lang] = next;
      contexts[lang] ||= await browser.newContext({ locale: lang, extraHTTPHeaders: { "Accept-Language": lang } });
      if (!contexts[lang].ready) {
        await contexts[lang].addInitScript(axe);
        contexts[lang].ready = true;
      }
      await look(contexts[lang], name, lang).catch((e) => faults.push(`${name} ${lang}: ${e.message}`));
    }
  }));
  await browser.close();
  for (const f of faults) console.log(f);
  console.log(`${paths.length} pages, ${looks} looks, ${faults.length} faults`);
  process.exit(faults.length ? 1 : 0);
})();
