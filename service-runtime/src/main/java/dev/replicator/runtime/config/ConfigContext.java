package dev.replicator.runtime.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What all nodes of one file share: the problems found so far and where references lead. */
final class ConfigContext {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([^}]*)}");

    private final Path file;
    private final Map<String, String> environment;

    /** By line, then in order of discovery. */
    private final TreeMap<Integer, StringBuilder> problems = new TreeMap<>();

    ConfigContext(Path file, Map<String, String> environment) {
        this.file = file;
        this.environment = environment;
    }

    void problem(int line, String path, String message) {
        problems.computeIfAbsent(line, key -> new StringBuilder())
                .append("line ")
                .append(line)
                .append(": ")
                .append(path.isEmpty() ? "" : path + ": ")
                .append(message)
                .append('\n');
    }

    void finish() {
        if (!problems.isEmpty()) {
            throw new ConfigException(
                    file.toString(), String.join("", problems.values()).lines().toList());
        }
    }

    /** Returns a path of the file's text; relative ones start at the file's directory. */
    Path resolve(String path) {
        return file.toAbsolutePath().getParent().resolve(path).normalize();
    }

    /**
     * Replaces {@code ${env:NAME}} and {@code ${file:PATH}}.
     *
     * @throws IllegalArgumentException naming the reference that leads nowhere
     */
    String expand(String text) {
        Matcher matcher = REFERENCE.matcher(text);
        StringBuilder expanded = new StringBuilder();
        while (matcher.find()) {
            matcher.appendReplacement(expanded, Matcher.quoteReplacement(referred(matcher.group(1))));
        }
        return matcher.appendTail(expanded).toString();
    }

    private String referred(String reference) {
        if (reference.startsWith("env:")) {
            String name = reference.substring("env:".length());
            String value = environment.get(name);
            if (value == null) {
                throw new IllegalArgumentException("the environment variable " + name + " is not set");
            }
            return value;
        }
        if (reference.startsWith("file:")) {
            Path path = resolve(reference.substring("file:".length()));
            try {
                return Files.readString(path).stripTrailing();
            } catch (IOException e) {
                throw new IllegalArgumentException("cannot read the file " + path + " it refers to (" + e + ")", e);
            }
        }
        throw new IllegalArgumentException("expected ${env:NAME} or ${file:PATH}, got ${" + reference + "}");
    }
}
