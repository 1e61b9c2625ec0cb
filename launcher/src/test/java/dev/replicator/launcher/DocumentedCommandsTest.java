package dev.replicator.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Whoever copies a command from the documents at night must not be told that it does not exist. */
class DocumentedCommandsTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
    private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");
    private static final Pattern COMMAND =
            Pattern.compile("^(?:[$#] )?(?:sudo )?(?:-u \\S+ )?(?:\\./|/usr/bin/)?replicator\\s+(.+)$|^(admin\\s+.+)$");

    /**
     * @param named whether it stands within a sentence, where it may be named without what it needs
     */
    private record Documented(Path page, String text, boolean named) {}

    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
        try (Stream<Path> files = Files.walk(ROOT.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
        }
        return pages;
    }

    /** Lines of code blocks, and code within lines. */
    private static List<Documented> commands() throws IOException {
        List<Documented> found = new ArrayList<>();
        for (Path page : pages()) {
            boolean block = false;
            for (String line : Files.readAllLines(page)) {
                if (line.strip().startsWith("```")) {
                    block = !block;
                } else if (block) {
                    note(found, page, line.strip(), false);
                } else {
                    Matcher code = CODE.matcher(line);
                    while (code.find()) {
                        note(found, page, code.group(1).strip(), true);
                    }
                }
            }
        }
        return found;
    }

    private static void note(List<Documented> found, Path page, String text, boolean named) {
        Matcher command = COMMAND.matcher(text);
        if (command.matches()) {
            String words = command.group(1) == null ? command.group(2) : command.group(1);
            found.add(new Documented(page, words.replaceAll("\\s+(#|\\||>|2>|&).*$", ""), named));
        }
    }

    /** Words of a shell line. What may be left out is taken in; dots stand for how to reach the forwarder, N for a number. */
    private static String[] words(String text) {
        List<String> words = new ArrayList<>();
        Matcher word = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)")
                .matcher(text.replaceAll("[\\[\\]]|\\.\\.\\.", " ").replaceAll("\\bN\\b", "1"));
        while (word.find()) {
            words.add(word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group(3));
        }
        return words.toArray(String[]::new);
    }

    @Test
    void shouldUnderstandEveryCommandThatTheDocumentsShow() throws IOException {
        List<String> wrong = new ArrayList<>();
        List<Documented> all = commands();
        for (Documented documented : all) {
            try {
                Main.commandLine().parseArgs(words(documented.text()));
            } catch (CommandLine.MissingParameterException e) {
                if (!documented.named()) {
                    wrong.add(ROOT.relativize(documented.page()) + ": " + documented.text() + ": " + e.getMessage());
                }
            } catch (CommandLine.ParameterException e) {
                wrong.add(ROOT.relativize(documented.page()) + ": " + documented.text() + ": " + e.getMessage());
            }
        }
        assertTrue(all.size() > 50, "only " + all.size() + " commands were found");
        assertEquals(List.of(), wrong, () -> String.join("\n", wrong));
    }
}
