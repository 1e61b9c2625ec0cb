package dev.replicator.runtime.config;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;

/** Reads configuration files. */
public final class ConfigFile {
    private ConfigFile() {}

    /**
     * Reads a file.
     *
     * @return its root, from which the values are asked; {@link ConfigNode#finish} then reports what is wrong
     * @throws ConfigException if it cannot be read or is not YAML
     */
    public static ConfigNode load(Path file) {
        return load(file, System.getenv());
    }

    /** As {@link #load(Path)}, with the variables that {@code ${env:NAME}} sees. */
    public static ConfigNode load(Path file, Map<String, String> environment) {
        try {
            return parse(file, Files.readString(file), environment);
        } catch (NoSuchFileException e) {
            throw new ConfigException(file.toString(), List.of("the file does not exist"));
        } catch (IOException e) {
            throw new ConfigException(file.toString(), List.of("the file cannot be read: " + e));
        }
    }

    /**
     * Reads a text as if it were the file's.
     *
     * @param file name in messages; relative paths in the text start at its directory
     */
    public static ConfigNode parse(Path file, String text, Map<String, String> environment) {
        ConfigContext context = new ConfigContext(file, environment);
        Node root;
        try {
            root = new Yaml(new LoaderOptions()).compose(new StringReader(text));
        } catch (MarkedYAMLException e) {
            int line = e.getProblemMark() == null ? 0 : e.getProblemMark().getLine() + 1;
            throw new ConfigException(file.toString(), List.of("line " + line + ": not YAML: " + e.getProblem()));
        } catch (YAMLException e) {
            throw new ConfigException(file.toString(), List.of("not YAML: " + e.getMessage()));
        }
        if (root == null) {
            return new ConfigNode(context, "", ConfigNode.EMPTY, 1, false);
        }
        if (!(root instanceof MappingNode mapping)) {
            throw new ConfigException(file.toString(), List.of("line 1: expected keys and values"));
        }
        return ConfigNode.of(context, "", mapping);
    }
}
