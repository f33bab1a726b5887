function inner() {
  null.boom;
}
const outer = () => inner();
outer();
