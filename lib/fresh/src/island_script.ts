import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import type { IslandFile } from "./build.ts";
import { raw, scriptTag } from "./document.ts";
import { InSlot, type Rendering } from "./rendering.ts";
import { serialize } from "./serialize.ts";

/** What goes to the end of the body for the islands, and the scripts to fetch. */
export function islandScript(
  rendering: Rendering,
  basePath: string,
): { markup: string; scripts: string[] } {
  const runtime = rendering.build?.runtime;
  if (rendering.islands.length === 0 || !runtime) {
    return { markup: "", scripts: [] };
  }

  let markup = templates(rendering);

  const files: IslandFile[] = [];
  const components: string[] = [];
  const componentIndex = new Map<object, number>();
  const instances = rendering.islands.map(({ island, props }) => {
    let index = componentIndex.get(island);
    if (index === undefined) {
      index = components.length;
      componentIndex.set(island, index);
      if (!files.includes(island.file)) files.push(island.file);
      components.push(`m${files.indexOf(island.file)}[${JSON.stringify(island.exportName)}]`);
    }
    return [index, props];
  });

  const data = serialize(instances, (path) => propName(rendering, path));
  if (rendering.build!.mode === "development" && data.length > LARGE_BYTES) {
    console.warn(
      `The islands of this page are sent ${Math.round(data.length / 1000)} kB of props.`,
    );
  }
  const imports = files.map((file, at) =>
    `import{island as m${at}}from${JSON.stringify(basePath + file.script)};`
  );
  const options = JSON.stringify({
    assets: rendering.islandAssets ?? {},
    key: rendering.build!.id,
  }).replaceAll("<", "\\u003c");
  const code = `import{boot}from${JSON.stringify(basePath + runtime.script)};${imports.join("")}` +
    `boot([${components.join(",")}],${data},${options});`;
  markup += scriptTag(code, rendering.nonce);

  const scripts = new Set([
    runtime.script,
    ...files.map(({ script }) => script),
    ...runtime.imports,
    ...files.flatMap((file) => file.imports),
  ]);
  return { markup, scripts: [...scripts].map((script) => basePath + script) };
}

const LARGE_BYTES = 50_000;

/** Slots that no island showed; rendering one may bring up more islands and slots. */
function templates(rendering: Rendering): string {
  let markup = "";
  const { slots } = rendering;
  while (slots !== undefined && slots.size > 0) {
    const [[key, { ref, children }]] = slots;
    slots.delete(key);
    const content = renderToString(h(InSlot, null, children));
    const id = `frsh-s-${ref.island}-${ref.prop}`;
    markup += renderToString(h("template", { id }, raw(content)));
  }
  return markup;
}

/** "The prop plans.0.price of the island PlanPicker" for a path into the instances. */
function propName(rendering: Rendering, path: string[]): string {
  const [number, , ...props] = path;
  const { file, exportName } = rendering.islands[Number(number)].island;
  const name = exportName === "default" ? file.name : `${file.name} (${exportName})`;
  return `The prop "${props.join(".")}" of the island ${name}`;
}
