import { z } from "./fields.ts";
import { type TemplateContext, templateProblem } from "./template.ts";

/** An option that is a template. It stays text in the config; the feature takes it apart on build. */
export function templateField(context: TemplateContext, extraNames: readonly string[] = []) {
  return z.string({ error: "must be text" }).superRefine((text, context_) => {
    const message = templateProblem(text, context, extraNames);
    if (message !== undefined) context_.addIssue({ code: "custom", message });
  });
}
