// What TypeScript has beyond types.
namespace Shapes {
  export const PI = 3;
  export namespace Deep {
    export function twice(n: number) {
      return n * 2;
    }
  }
}
enum Direction { Up = "UP", Down = "DOWN" }
enum Flags { A = 1 << 0, B = 1 << 1, Both = A | B }
const enum Small { One = 1 }
abstract class Base {
  abstract name(): string;
  protected greet(this: Base): string {
    return `hi ${this.name()}`;
  }
}
class Derived extends Base {
  #secret = 42;
  declare ghost: string;
  static count = 0;
  constructor(public label: string, private n?: number) {
    super();
    Derived.count++;
  }
  name(): string {
    return this.label;
  }
  override greet(): string {
    return super.greet() + this.#secret;
  }
}
function log(target: unknown, key: string, descriptor: PropertyDescriptor): PropertyDescriptor {
  const original = descriptor.value;
  return { ...descriptor, value(...args: unknown[]) { return `logged ${key} ${original.apply(this, args)}`; } };
}
class Decorated {
  @log
  method(x: number) {
    return x + 1;
  }
}
const value = <T,>(x: T): T => x;
let maybe: string | undefined;
console.log(Shapes.PI, Shapes.Deep.twice(4), Direction.Up, Flags.Both, Flags[2], Small.One);
console.log(new Derived("d").greet(), Derived.count, value(1)!, maybe?.length ?? "none", (3 as unknown) satisfies unknown);
console.log(new Decorated().method(1));
for await (const x of (async function* (): AsyncGenerator<number> { yield 1; })()) console.log(x);
export type { Direction };
