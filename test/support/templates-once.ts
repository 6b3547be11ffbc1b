import Handlebars from 'handlebars';

/*
 * Unit tests render the shipped templates thousands of times. To parse and compile them is most of that work, and depends on
 * nothing but their text and options, so each process does it once.
 */
function once<Args extends unknown[], Result>(make: (...args: Args) => Result): (...args: Args) => Result {
  const made = new Map<string, Result>();
  return (...args) => {
    const key = JSON.stringify(args);
    const result = made.get(key) ?? make(...args);
    made.set(key, result);
    return result;
  };
}

const { create } = Handlebars;
Handlebars.parse = once(Handlebars.parse);
Handlebars.create = () => {
  const environment = create();
  environment.compile = once(environment.compile);
  return environment;
};
