package dev.replicator.it.rules;

import static org.junit.jupiter.api.Assertions.assertTrue;

/** Asserts what operators read, whatever the width of columns. */
final class Texts {
    private Texts() {}

    static void assertContains(String text, String... parts) {
        String plain = text.replaceAll("\\s+", " ");
        for (String part : parts) {
            assertTrue(plain.contains(part.replaceAll("\\s+", " ")), () -> "'" + part + "' is not in:\n" + text);
        }
    }
}
