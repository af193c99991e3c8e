/** What a build is for. */
export type TransformMode = "development" | "production";

/** Which files a transform is for. */
export interface OnTransformOptions {
  /** Named in errors. */
  pluginName: string;
  /** Matched against the path of the file. */
  filter: RegExp;
  /** Paths, globs or patterns of files to leave alone. */
  exclude?: (string | RegExp)[];
}

/** A static file on its way to be served. */
export interface OnTransformArgs {
  /** Its path on disk. */
  path: string;
  /** The browsers to support. */
  target: string | string[];
  /** Its text. */
  text: string;
  /** Its bytes. */
  content: Uint8Array;
  /** What the build is for. */
  mode: TransformMode;
  /** The directory of the app. */
  root: string;
}

/** What is the same for all files of a build. */
export type TransformSetting = Pick<OnTransformArgs, "mode" | "target" | "root">;

/** A file made by a transform. */
export interface TransformedFile {
  /** Its content. */
  content: string | Uint8Array;
  /** Its path on disk, if it is not the one it was made from. */
  path?: string;
  /** Its source map. */
  map?: string | Uint8Array;
}

/** What becomes of a file: another content, or several files. */
export type OnTransformResult =
  | TransformedFile
  | Array<{ path: string } & Omit<TransformedFile, "path">>;

/** Changes a static file; returning nothing leaves it as it is. */
export type TransformFn = (
  args: OnTransformArgs,
) => void | OnTransformResult | Promise<void | OnTransformResult>;

/** A file by its path on disk, with its bytes. */
export interface SourceFile {
  path: string;
  content: Uint8Array;
}

/** The transforms of a build, in the order they were added. */
export class Transforms {
  #transforms: { options: OnTransformOptions; fn: TransformFn }[] = [];

  add(options: OnTransformOptions, fn: TransformFn): void {
    this.#transforms.push({ options, fn });
  }

  /** Runs a file through all transforms that want it. */
  async run(file: SourceFile, setting: TransformSetting): Promise<SourceFile[]> {
    let files = [file];
    for (const { options, fn } of this.#transforms) {
      const next: SourceFile[] = [];
      for (const each of files) {
        if (isWanted(options, each.path)) {
          next.push(...await apply(options, fn, each, setting));
        } else next.push(each);
      }
      files = next;
    }
    return files;
  }
}

async function apply(
  options: OnTransformOptions,
  fn: TransformFn,
  file: SourceFile,
  setting: TransformSetting,
): Promise<SourceFile[]> {
  const { path, content } = file;
  let result: void | OnTransformResult;
  try {
    result = await fn({
      ...setting,
      path,
      content,
      text: new TextDecoder().decode(content),
    });
  } catch (cause) {
    throw new Error(`The transform ${options.pluginName} failed on ${path}.`, {
      cause,
    });
  }
  if (result === undefined) return [file];
  const made: TransformedFile[] = Array.isArray(result) ? result : [result];
  return made.flatMap((each) => {
    const at = each.path ?? path;
    const bytes = { path: at, content: bytesOf(each.content) };
    return each.map === undefined ? [bytes] : [bytes, {
      path: `${at}.map`,
      content: bytesOf(each.map),
    }];
  });
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

function isWanted({ filter, exclude = [] }: OnTransformOptions, path: string): boolean {
  if (!new RegExp(filter.source, filter.flags.replace("g", "")).test(path)) {
    return false;
  }
  return !exclude.some((pattern) => {
    if (pattern instanceof RegExp) return pattern.test(path);
    return pattern.includes("*") ? globToRegExp(pattern).test(path) : path.endsWith(pattern);
  });
}

function globToRegExp(glob: string): RegExp {
  const source = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(
      /\*\*\/|\*\*|\*|\?/g,
      (wildcard) => ({ "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*" })[wildcard] ?? "[^/]",
    );
  return new RegExp(`^${source}$`);
}
