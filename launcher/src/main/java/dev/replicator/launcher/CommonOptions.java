package dev.replicator.launcher;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Options that every command has, whether its class declares them or not: --help, --version, --verbose. */
final class CommonOptions {
    private CommonOptions() {}

    static void addTo(CommandLine line) {
        CommandSpec spec = line.getCommandSpec();
        // One by one and at the end: picocli finds the parameters of a command that is a method by their place, and its
        // own
        // mixin of help options, added afterwards, would shift them.
        if (spec.findOption("--help") == null) {
            spec.addOption(OptionSpec.builder("-h", "--help")
                    .usageHelp(true)
                    .type(boolean.class)
                    .description("Show this help message and exit.")
                    .build());
        }
        if (spec.findOption("--version") == null) {
            spec.addOption(OptionSpec.builder("-V", "--version")
                    .versionHelp(true)
                    .type(boolean.class)
                    .description("Print version information and exit.")
                    .build());
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
