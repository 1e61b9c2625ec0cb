package dev.replicator.launcher.local;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How to run {@code replicator} again as another process. */
public final class LauncherLine {
    /** System property by which the launcher script tells its own path. */
    public static final String SCRIPT_PROPERTY = "replicator.script";

    private LauncherLine() {}

    /** The script this process was started by, or this very class path when there was none (tests). */
    public static List<String> current() {
        String script = System.getProperty(SCRIPT_PROPERTY);
        if (script != null && Files.isExecutable(Path.of(script))) {
            return List.of(script);
        }
        return ofClassPath("512m");
    }

    /**
     * Java with this process's class path.
     *
     * @param heap maximum heap, for example {@code 512m}
     */
    public static List<String> ofClassPath(String heap) {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=4",
                "-cp",
                classPath,
                "dev.replicator.launcher.Main");
    }
}
