package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Asserts what operators read, whatever the width of columns. */
final class Texts {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private Texts() {}

    static void assertContains(String text, String... parts) {
        String plain = text.replaceAll("\\s+", " ");
        for (String part : parts) {
            assertTrue(plain.contains(part.replaceAll("\\s+", " ")), () -> "'" + part + "' is not in:\n" + text);
        }
    }

    /**
     * Waits until one look shows all parts. What operators read may change between two looks: a slave that is refused shows
     * the reason, then that it connects again.
     */
    static void awaitContains(Supplier<String> text, String... parts) {
        Await.until("a text with all of " + List.of(parts), LIMIT, () -> holds(text.get(), parts), text);
    }

    private static boolean holds(String text, String... parts) {
        String plain = text.replaceAll("\\s+", " ");
        return Stream.of(parts).allMatch(part -> plain.contains(part.replaceAll("\\s+", " ")));
    }
}
