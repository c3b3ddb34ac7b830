# The workflow is workflow/Snakefile, where catalogues and `module` statements look for it. Run it from here as well.


module perturbkg:
    snakefile:
        "workflow/Snakefile"
    config:
        config


use rule * from perturbkg
