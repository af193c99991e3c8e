import type { Build } from "./build.ts";
import type { Command, Layout, Route } from "./commands.ts";
import type { RouteConfig } from "./context.ts";
import {
  bySpecificity,
  type FileRoute,
  isGroup,
  isMethodObject,
  placeOf,
  readModule,
} from "./file_routes.ts";
import {
  type MaybeLazy,
  type Method,
  METHODS,
  type MiddlewareFn,
  refuseTwoParameters,
} from "./handlers.ts";
import { pageStep } from "./page_step.ts";
import { errorStep, lazyStep, pageRoute } from "./route_steps.ts";
import { Router } from "./router.ts";
import { enterScope, type NotFound, type Scope } from "./scope.ts";

/** What was registered on an app, worked out to a chain of steps for each route. */
export class Plan<State> {
  /** Finds the chain for a request. */
  readonly router = new Router<MiddlewareFn<State>[]>();
  /** What was registered for paths, and what the folders of routes hold; both have a root. */
  #scopes = new Map<string, Scope<State>>();
  #folders = new Map<string, Scope<State>>();
  #notFound: NotFound<State> = { step: null };
  #basePath: string;
  #build: Build | null;

  constructor(basePath: string, build: Build | null) {
    this.#basePath = basePath;
    this.#build = build;
    this.#scope([]);
  }

  /** Takes in what was registered next; it affects what comes after it. */
  apply(command: Command<State>): void {
    switch (command.kind) {
      case "use":
        command.middlewares.forEach((fn) => refuseTwoParameters(fn, "A middleware"));
        this.#scope(segmentsOf(command.path)).middlewares.push(...command.middlewares);
        break;
      case "handle": {
        command.handlers.forEach((fn) => refuseTwoParameters(fn, `The handler of ${command.path}`));
        const chain = [
          ...this.#chain(segmentsOf(command.path)),
          ...command.handlers,
        ];
        this.#register(command.methods, command.path, () => chain);
        break;
      }
      case "route":
        this.#addRoute(command.path, segmentsOf(command.path), command.route, command.config);
        break;
      case "layout":
        this.#scope(segmentsOf(command.path)).layout = command;
        break;
      case "app":
        this.#scope([]).app = command;
        break;
      case "notFound":
        this.#notFound.step = errorStep(command.route, 404);
        break;
      case "error":
        this.#scope(segmentsOf(command.path)).error = errorStep(command.route, null);
        break;
      case "files":
        this.#addFiles(command.path);
    }
  }

  /** What runs for a path nobody answers, or not by this method. */
  fallback(answer: MiddlewareFn<State>): MiddlewareFn<State>[] {
    return [...this.#chain([]), answer];
  }

  #addFiles(path: string): void {
    const prefix = path === "*" ? "" : path.replace(/\/\*?$/, "");
    const base = segmentsOf(prefix);
    const routes: { file: FileRoute; pattern: string; segments: string[]; depth: number }[] = [];
    for (const file of this.#build?.routes ?? []) {
      const place = placeOf(file.id);
      const segments = [...base, ...place.segments];
      const depth = base.length + place.folder;
      if (place.role === "route") {
        const override = (file.module.config as RouteConfig | undefined)
          ?.routeOverride;
        routes.push({ file, pattern: override ?? place.pattern, segments, depth });
      } else {
        this.#addFile(file, place.role, segments);
      }
    }
    routes.sort((a, b) => bySpecificity(a.pattern, b.pattern));
    for (const { file, pattern, segments, depth } of routes) {
      const { handler, component, config } = readModule(file);
      this.#addRoute(
        joinPaths(prefix, pattern),
        segments,
        { handler, component, config } as Route<State>,
        undefined,
        `routes/${file.id}`,
        depth,
      );
    }
  }

  #addFile(file: FileRoute, role: string, segments: string[]): void {
    const { handler, component, config } = readModule(file);
    const scope = this.#scope(segments, segments.length === 0 ? this.#scopes : this.#folders);
    const route = { handler, component, config } as Route<State>;
    switch (role) {
      case "app":
        scope.app = {
          component: componentOf(component, file) as Layout<State>,
        };
        break;
      case "layout":
        scope.layout = {
          component: componentOf(component, file) as Layout<State>,
          config,
        };
        if (handler !== undefined) {
          console.warn(`routes/${file.id}: a layout cannot have handlers; ignored.`);
        }
        break;
      case "middleware": {
        const given = handler ?? component;
        if (isMethodObject(given)) {
          console.warn(
            `routes/${file.id}: a middleware cannot be an object of methods; ignored.`,
          );
          break;
        }
        const fns = [given].flat() as MiddlewareFn<State>[];
        fns.forEach((fn) => refuseTwoParameters(fn, `routes/${file.id}`));
        scope.middlewares.push(...fns);
        break;
      }
      case "error":
        scope.error = errorStep(route, null);
        break;
      case "notFound":
        this.#notFound.step = errorStep(route, 404);
    }
  }

  #addRoute(
    path: string,
    segments: string[],
    given: MaybeLazy<Route<State>>,
    config: RouteConfig | undefined,
    name = `The handler of ${path}`,
    depth = segments.length,
  ): void {
    const before = this.#chain(segments, depth);
    if (typeof given === "function") {
      this.#register("ALL", path, () => [...before, lazyStep(given, config)]);
      return;
    }
    const route = pageRoute(given, config);
    const { handler, component } = route;
    if (typeof handler === "object" && handler !== null) {
      const methods = METHODS.filter((method) => handler[method] !== undefined);
      methods.forEach((method) => refuseTwoParameters(handler[method], name));
      if (component !== undefined && !methods.includes("GET")) {
        methods.push("GET");
      }
      this.#register(methods, path, (method) => [...before, pageStep(route, handler[method])]);
    } else {
      refuseTwoParameters(handler, name);
      const chain = [...before, pageStep(route, handler)];
      const methods = route.config?.methods ?? "ALL";
      this.#register(methods, path, () => chain);
    }
  }

  #register(
    methods: Method[] | "ALL",
    path: string,
    chainFor: (method: Method) => MiddlewareFn<State>[],
  ): void {
    const pattern = joinPaths(this.#basePath, path);
    for (const method of methods === "ALL" ? METHODS : methods) {
      this.router.add(method, pattern, chainFor(method));
    }
  }

  #scope(segments: string[], scopes = this.#scopes): Scope<State> {
    const key = segments.join("/");
    let scope = scopes.get(key);
    if (scope === undefined) {
      scope = { app: null, layout: null, error: null, middlewares: [] };
      scopes.set(key, scope);
    }
    return scope;
  }

  /**
   * The steps that everything at a place goes through, as of now. The folder
   * `a` is not around the file `a.tsx` next to it: `depth` says how deep the
   * folders go.
   */
  #chain(segments: string[], depth = segments.length): MiddlewareFn<State>[] {
    const scopes = new Set([this.#scopes.get("")]);
    for (let length = 1; length <= segments.length; length++) {
      const path = segments.slice(0, length);
      // Groups show in no URL, so what was registered for the URL applies in them as well.
      scopes.add(this.#scopes.get(path.filter((segment) => !isGroup(segment)).join("/")));
      if (length <= depth) scopes.add(this.#folders.get(path.join("/")));
    }
    const root = this.#scopes.get("");
    return [...scopes].flatMap((scope) =>
      scope === undefined ? [] : [
        ...enterScope(scope, this.#notFound, scope === root),
        ...scope.middlewares,
      ]
    );
  }
}

function componentOf(component: unknown, file: FileRoute): unknown {
  if (typeof component !== "function") {
    throw new Error(`routes/${file.id} has to export a component as default.`);
  }
  return component;
}

/** The places a path goes through; what is optional in it is none. */
function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/\{[^}]*\}\??/g, "").replace(/\/?\*$/, "").replace(/\/$/, "");
  return trimmed === "" ? [] : trimmed.replace(/^\//, "").split("/");
}

function joinPaths(base: string, path: string): string {
  if (base === "") return path;
  if (path === "*" || path === "/*") return `${base}{/*}?`;
  return path === "/" ? base : base + (/^[/{]/.test(path) ? path : `/${path}`);
}
