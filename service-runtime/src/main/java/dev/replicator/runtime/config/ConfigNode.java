package dev.replicator.runtime.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * A mapping of a configuration file. Values are asked for by key; each key asked for is known, all others are refused.
 *
 * <p>A wrong or missing value is noted and a harmless one returned in its place, so that one run finds every problem.
 * {@link #finish} on the root, after all values are read and before any is used, throws if there were some. Not thread-safe.
 */
public final class ConfigNode {
    static final Map<String, Entry> EMPTY = Map.of();

    private final ConfigContext context;
    private final String path;
    private final Map<String, Entry> entries;
    private final int line;

    /** True for the stand-in of a missing section: that it is missing is reported, its keys need not be, too. */
    private final boolean silent;

    private final TreeSet<String> known = new TreeSet<>();
    private final List<ConfigNode> children = new ArrayList<>();

    record Entry(Node value, int line) {}

    ConfigNode(ConfigContext context, String path, Map<String, Entry> entries, int line, boolean silent) {
        this.context = context;
        this.path = path;
        this.entries = entries;
        this.line = line;
        this.silent = silent;
    }

    static ConfigNode of(ConfigContext context, String path, MappingNode mapping) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            int line = tuple.getKeyNode().getStartMark().getLine() + 1;
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                context.problem(line, path, "expected a name as key");
                continue;
            }
            Entry earlier = entries.putIfAbsent(key.getValue(), new Entry(tuple.getValueNode(), line));
            if (earlier != null) {
                context.problem(
                        line, child(path, key.getValue()), "the key is given twice, first in line " + earlier.line);
            }
        }
        return new ConfigNode(context, path, entries, mapping.getStartMark().getLine() + 1, false);
    }

    /** Returns true if the key is given. */
    public boolean has(String key) {
        return entry(key).isPresent();
    }

    /** Returns the keys as they stand in the file, to tell one kind of file from another. */
    public List<String> keys() {
        return List.copyOf(entries.keySet());
    }

    /** Returns a text that must be there. */
    public String string(String key) {
        return optionalString(key).orElseGet(() -> missing(key, ""));
    }

    /** Returns a text. */
    public String string(String key, String otherwise) {
        return optionalString(key).orElse(otherwise);
    }

    /** Returns a text if there is one. */
    public Optional<String> optionalString(String key) {
        return optionalValue(key, text -> text);
    }

    /** Returns a password or token that must be there and not be empty. */
    public Secret secret(String key) {
        return optionalSecret(key).orElseGet(() -> missing(key, new Secret("")));
    }

    /** Returns a password or token if there is one. */
    public Optional<Secret> optionalSecret(String key) {
        return optionalValue(key, text -> {
            if (text.isEmpty()) {
                throw new IllegalArgumentException("the secret is empty");
            }
            return new Secret(text);
        });
    }

    /** Returns a whole number from {@code min} to {@code max}, both inclusive. */
    public int integer(String key, int otherwise, int min, int max) {
        return optionalValue(key, text -> {
                    try {
                        int value = Integer.parseInt(text);
                        if (value >= min && value <= max) {
                            return value;
                        }
                    } catch (NumberFormatException ignored) {
                        // falls through to the message below
                    }
                    throw new IllegalArgumentException(
                            "expected a whole number from " + min + " to " + max + ", got \"" + text + "\"");
                })
                .orElse(otherwise);
    }

    /** Returns true or false. */
    public boolean flag(String key, boolean otherwise) {
        return optionalValue(key, text -> switch (text) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw new IllegalArgumentException("expected true or false, got \"" + text + "\"");
                })
                .orElse(otherwise);
    }

    /** Returns a duration, see {@link Units#duration}. */
    public Duration duration(String key, Duration otherwise) {
        return optionalValue(key, Units::duration).orElse(otherwise);
    }

    /** Returns a size in bytes, see {@link Units#bytes}. */
    public long size(String key, long otherwiseBytes) {
        return optionalValue(key, Units::bytes).orElse(otherwiseBytes);
    }

    /** Returns one of the options. */
    public String choice(String key, String otherwise, String... options) {
        return optionalValue(key, text -> {
                    if (!Arrays.asList(options).contains(text)) {
                        throw new IllegalArgumentException(
                                "expected one of " + String.join(", ", options) + ", got \"" + text + "\"");
                    }
                    return text;
                })
                .orElse(otherwise);
    }

    /** Returns a list of texts, empty if the key is absent. */
    public List<String> strings(String key) {
        Optional<Entry> entry = entry(key);
        if (entry.isEmpty()) {
            return List.of();
        }
        if (!(entry.get().value instanceof SequenceNode sequence)) {
            problem(key, "expected a list, such as [\"public.*\"]");
            return List.of();
        }
        List<String> texts = new ArrayList<>();
        for (Node element : sequence.getValue()) {
            if (element instanceof ScalarNode scalar && !scalar.getTag().equals(Tag.NULL)) {
                texts.add(scalar.getValue());
            } else {
                context.problem(element.getStartMark().getLine() + 1, child(path, key), "expected texts in the list");
            }
        }
        return List.copyOf(texts);
    }

    /** Returns a path that must be there; relative ones start at the file's directory. */
    public Path path(String key) {
        return optionalPath(key).orElseGet(() -> missing(key, Path.of("")));
    }

    /** Returns a path; relative ones start at the file's directory. */
    public Path path(String key, Path otherwise) {
        return optionalPath(key).orElse(otherwise);
    }

    /** Returns a path if there is one; relative ones start at the file's directory. */
    public Optional<Path> optionalPath(String key) {
        return optionalValue(key, context::resolve);
    }

    /**
     * Returns a value that must be there.
     *
     * @param parser throws IllegalArgumentException with what was expected and found
     * @return null after a problem
     */
    public <T> T value(String key, Function<String, T> parser) {
        boolean given = has(key);
        return optionalValue(key, parser).orElseGet(() -> given ? null : missing(key, null));
    }

    /** Returns a value if there is one; empty, too, after a problem. */
    public <T> Optional<T> optionalValue(String key, Function<String, T> parser) {
        Optional<Entry> entry = entry(key);
        if (entry.isEmpty()) {
            return Optional.empty();
        }
        if (!(entry.get().value instanceof ScalarNode scalar)) {
            problem(key, "expected a single value");
            return Optional.empty();
        }
        try {
            return Optional.of(parser.apply(context.expand(scalar.getValue())));
        } catch (IllegalArgumentException e) {
            problem(key, e.getMessage());
            return Optional.empty();
        }
    }

    /** Returns a section that must be there. */
    public ConfigNode section(String key) {
        return optionalSection(key).orElseGet(() -> {
            boolean given = has(key);
            if (!given) {
                missing(key, null);
            }
            return new ConfigNode(context, child(path, key), EMPTY, line, true);
        });
    }

    /** Returns a section if there is one. */
    public Optional<ConfigNode> optionalSection(String key) {
        Optional<Entry> entry = entry(key);
        if (entry.isEmpty()) {
            return Optional.empty();
        }
        if (!(entry.get().value instanceof MappingNode mapping)) {
            problem(key, "expected keys and values below it");
            return Optional.empty();
        }
        return Optional.of(adopt(of(context, child(path, key), mapping)));
    }

    /** Returns the sections of a list, empty if the key is absent. */
    public List<ConfigNode> sections(String key) {
        Optional<Entry> entry = entry(key);
        if (entry.isEmpty()) {
            return List.of();
        }
        List<ConfigNode> sections = new ArrayList<>();
        if (entry.get().value instanceof SequenceNode sequence) {
            for (Node element : sequence.getValue()) {
                if (element instanceof MappingNode mapping) {
                    sections.add(adopt(of(context, child(path, key) + "[" + sections.size() + "]", mapping)));
                } else {
                    context.problem(
                            element.getStartMark().getLine() + 1,
                            child(path, key),
                            "expected keys and values in the list");
                }
            }
        } else {
            problem(key, "expected a list");
        }
        return sections;
    }

    /** Notes a problem of this key, such as one with another key's value. */
    public void problem(String key, String message) {
        known.add(key);
        if (!silent) {
            Entry entry = entries.get(key);
            context.problem(entry == null ? line : entry.line, child(path, key), message);
        }
    }

    /**
     * Reports: keys that nobody asked for, and every problem noted so far in the whole file.
     *
     * @throws ConfigException if there is any
     */
    public void finish() {
        refuseUnknown();
        context.finish();
    }

    private void refuseUnknown() {
        entries.forEach((key, entry) -> {
            if (!known.contains(key)) {
                context.problem(entry.line, child(path, key), Nearest.advice(key, known));
            }
        });
        children.forEach(ConfigNode::refuseUnknown);
    }

    private ConfigNode adopt(ConfigNode child) {
        children.add(child);
        return child;
    }

    private Optional<Entry> entry(String key) {
        known.add(key);
        return Optional.ofNullable(entries.get(key))
                .filter(entry -> !entry.value.getTag().equals(Tag.NULL));
    }

    private <T> T missing(String key, T standIn) {
        // A value that was given but wrong has been reported already.
        if (!has(key)) {
            problem(key, "missing");
        }
        return standIn;
    }

    private static String child(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }
}
