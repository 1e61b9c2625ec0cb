package dev.replicator.runtime.config;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.util.List;

/** A configuration file that cannot be used, with all that is wrong in it. Exit code 2. */
public final class ConfigException extends ReplicatorException {
    private final transient List<String> problems;

    ConfigException(String file, List<String> problems) {
        super(ErrorCode.CONFIGURATION, text(file, problems), "");
        this.problems = List.copyOf(problems);
    }

    /** Returns each problem: line, path, what is wrong. */
    public List<String> problems() {
        return problems;
    }

    private static String text(String file, List<String> problems) {
        String count = problems.size() == 1 ? "1 problem" : problems.size() + " problems";
        return "Cannot use the configuration " + file + ", it has " + count + ":\n  " + String.join("\n  ", problems);
    }
}
