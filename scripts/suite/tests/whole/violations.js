// Violations of the rules of WCAG 2.2 AA on the page: each rule with the first elements that break it.
const [done] = [...arguments].slice(-1);
axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then(
  ({ violations }) => done(violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.slice(0, 5).map(({ target }) => target.join(" ")).join(" | ")}`)),
  (error) => done([`axe failed: ${error}`]),
);
