// A stack names the source as written.
interface Shape {
  side: number;
}

enum Kind {
  Square = 1,
}

class Box<T extends Shape> {
  constructor(private readonly shape: T) {}

  area(): number {
    if (this.shape.side < 0) throw new RangeError(`no area of kind ${Kind.Square}`);
    return this.shape.side ** 2;
  }
}

function measure(side: number): number {
  return new Box<Shape>({ side }).area();
}

export default () => measure(-1);
