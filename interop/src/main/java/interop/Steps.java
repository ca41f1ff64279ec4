package interop;

import java.util.Objects;

/** Runs steps, prints one line for each and counts. */
final class Steps {
  /** What a step does; it fails by throwing. */
  interface Step {
    void run() throws Exception;
  }

  private int passed;
  private int failed;

  void step(String name, Step step) {
    try {
      step.run();
      passed++;
      System.out.println("ok    " + name);
    } catch (Exception | AssertionError e) {
      failed++;
      System.out.println("FAIL  " + name + ": " + e);
    }
  }

  /** Prints the closing line and returns whether every step passed. */
  boolean close() {
    System.out.printf("%d passed, %d failed%n", passed, failed);
    return failed == 0;
  }

  static void equal(Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError("got " + got + ", want " + want);
    }
  }

  /** Fails unless the step throws the given exception, which it returns. */
  static <E extends Exception> E refused(Class<E> with, Step step) {
    try {
      step.run();
    } catch (Exception e) {
      if (with.isInstance(e)) {
        return with.cast(e);
      }
      throw new AssertionError("got " + e + ", want " + with.getSimpleName());
    }
    throw new AssertionError("it was not refused, want " + with.getSimpleName());
  }
}
