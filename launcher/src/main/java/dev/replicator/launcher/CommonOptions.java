package dev.replicator.launcher;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Options that every command has, whether its class declares them or not: --help, --version, --verbose. */
final class CommonOptions {
    private CommonOptions() {}

    static void addTo(CommandLine line) {
        CommandSpec spec = line.getCommandSpec();
        if (spec.findOption("--help") == null) {
            spec.mixinStandardHelpOptions(true);
        }
        if (spec.findOption("--verbose") == null) {
            spec.addOption(OptionSpec.builder("--verbose")
                    .type(boolean.class)
                    .description("Show the stack trace of an error.")
                    .build());
        }
        spec.versionProvider(new Version());
        line.getSubcommands().values().forEach(CommonOptions::addTo);
    }
}
