// What the YAML extension of Red Hat does, which is in no package registry: it runs the YAML language server and hands
// it the settings `yaml.*`.
const {join} = require("node:path");
const tools = process.env.PRUNECONF_EDITORS;
const client = require.resolve("vscode-languageclient/node", {paths: [tools]});
const {LanguageClient, TransportKind} = require(client);

exports.activate = async () => {
  const module = join(tools, "node_modules", "yaml-language-server", "bin", "yaml-language-server");
  const server = {module, transport: TransportKind.stdio, args: ["--stdio"]};
  const languageClient = new LanguageClient("yaml", "YAML", server, {
    documentSelector: [{language: "yaml"}],
    synchronize: {configurationSection: ["yaml", "http", "[yaml]", "editor", "files"]},
  });
  await languageClient.start();
};
